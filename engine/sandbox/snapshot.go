package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/thawrun/thaw/abi"
)

// Snapshot is the state of an instance. Instances that are bound to it keep it alive after Close.
//
// The snapshot of an instance that is bound to another one is kept as what differs from that one's image, if
// that is little: a function's snapshot then costs what loading the function wrote, not another copy of the interpreter.
type Snapshot struct {
	p       *Program
	image   *image
	base    *Snapshot // whose image it is; nil = its own
	delta   *delta    // on top of base's image
	length  int       // of linear memory, bytes
	globals []uint64
	info    abi.Info
	refs    atomic.Int32
}

// Snapshot copies the state of an idle instance. It is refused where the state is not all in memory.
func (in *Instance) Snapshot() (*Snapshot, error) {
	switch {
	case in.state != stateReady:
		return nil, ErrState
	case !in.p.module.Snapshotable:
		return nil, fmt.Errorf("%w: %v", ErrNotSnapshotable, in.p.module.Reasons)
	case in.proc.FS.OpenFiles() > 0:
		return nil, fmt.Errorf("%w: %d descriptors are open", ErrNotSnapshotable, in.proc.FS.OpenFiles())
	case in.serve.Open() > 0:
		return nil, fmt.Errorf("%w: %d handles of services are open", ErrNotSnapshotable, in.serve.Open())
	case !in.proc.FS.TmpEmpty():
		return nil, fmt.Errorf("%w: /tmp is not empty", ErrNotSnapshotable)
	}
	s := &Snapshot{p: in.p, info: in.info}
	for _, g := range in.globals {
		s.globals = append(s.globals, g.Get())
	}
	if base := in.base; base != nil {
		if d := diff(in.memory(), base.image.view, in.slot.written(in.slot.length, in.p.host.scan)); d != nil && base.retain() {
			s.base, s.image, s.delta, s.length = base, base.image, d, in.slot.length
			s.refs.Store(1)
			return s, nil
		}
	}
	return s, s.capture(in.memory())
}

// root is the snapshot whose image s needs to be mapped.
func (s *Snapshot) root() *Snapshot {
	if s.base != nil {
		return s.base
	}
	return s
}

func (s *Snapshot) capture(mem []byte) error {
	im, err := newImage(mem, s.p.host.cfg.Portable)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	s.image, s.length = im, len(mem)
	s.refs.Store(1)
	return nil
}

func (s *Snapshot) retain() bool {
	for {
		n := s.refs.Load()
		if n <= 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *Snapshot) release() {
	if s.refs.Add(-1) != 0 {
		return
	}
	if s.base != nil {
		s.base.release()
		return
	}
	s.image.close()
}

// Bound says whether instances are bound to the snapshot, or other snapshots made from it.
func (s *Snapshot) Bound() bool { return s.refs.Load() > 1 }

// Close gives up the owner's reference. The memory is freed when no instance is bound to it any more.
func (s *Snapshot) Close() { s.release() }

// Length is the size of linear memory in bytes: the least cap of an instance that is bound to the snapshot.
func (s *Snapshot) Length() int { return s.length }

// Size is the number of bytes that the snapshot occupies by itself.
func (s *Snapshot) Size() int {
	if s.delta != nil {
		return s.delta.size()
	}
	return s.image.used
}

// The file of a runtime snapshot: magic, SHA-256 of all that follows, length of the header, the header as JSON, and the
// pages of the header's runs one after the other.
const (
	snapshotMagic  = "THAWSNAP1\n"
	snapshotSuffix = ".snap"
)

type snapshotHeader struct {
	ABI     int      `json:"abi"`
	Program string   `json:"program"` // SHA-256 of the metered module
	Guest   string   `json:"guest"`   // digest of the guest with its files
	Length  int      `json:"length"`
	Globals []uint64 `json:"globals"`
	Info    abi.Info `json:"info"`
	Runs    [][2]int `json:"runs"`
}

var errNoFile = errors.New("no snapshot kept")

func (p *Program) snapshotFile(preload string) string {
	if p.host.cfg.CacheDir == "" {
		return ""
	}
	name := p.guest.ID
	if preload != "" {
		name += "+" + preload
	}
	return filepath.Join(p.host.cfg.CacheDir, "snapshots", name+"-"+hex.EncodeToString(p.hash[:8])+snapshotSuffix)
}

func (s *Snapshot) write(file string, p *Program) error {
	header, err := json.Marshal(snapshotHeader{abi.Version, hex.EncodeToString(p.hash[:]), p.guest.Digest, s.length, s.globals, s.info, s.image.runs})
	if err != nil {
		return err
	}
	body := binary.LittleEndian.AppendUint32(nil, uint32(len(header)))
	body = append(body, header...)
	for _, r := range s.image.runs {
		body = append(body, s.image.view[r[0]:r[1]]...)
	}
	sum := sha256.Sum256(body)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".snap-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	for _, part := range [][]byte{[]byte(snapshotMagic), sum[:], body} {
		if _, err := tmp.Write(part); err != nil {
			tmp.Close()
			return err
		}
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return nil
}

func (p *Program) readSnapshot(file string) (*Snapshot, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoFile
	}
	if err != nil {
		return nil, err
	}
	h, mem, err := parseSnapshot(b)
	if err != nil {
		return nil, err
	}
	if h.ABI != abi.Version || h.Program != hex.EncodeToString(p.hash[:]) || h.Guest != p.guest.Digest || len(h.Globals) != len(p.module.Globals) {
		return nil, errors.New("made for another program")
	}
	touch(file)
	s := &Snapshot{p: p, globals: h.Globals, info: h.Info}
	return s, s.capture(mem)
}

// parseSnapshot decodes a snapshot's file.
func parseSnapshot(b []byte) (h snapshotHeader, mem []byte, err error) {
	body, ok := bytes.CutPrefix(b, []byte(snapshotMagic))
	if !ok || len(body) < sha256.Size+4 {
		return h, nil, errors.New("not a snapshot")
	}
	sum, body := body[:sha256.Size], body[sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(sum, got[:]) {
		return h, nil, errors.New("checksum differs")
	}
	n := binary.LittleEndian.Uint32(body)
	if uint64(n)+4 > uint64(len(body)) {
		return h, nil, errors.New("header cut off")
	}
	if err := json.Unmarshal(body[4:4+n], &h); err != nil {
		return h, nil, fmt.Errorf("header: %w", err)
	}
	pages := body[4+n:]
	if h.Length < 0 || h.Length%wasmPage != 0 || h.Length > bootMemory {
		return h, nil, fmt.Errorf("length %d", h.Length)
	}
	mem = make([]byte, h.Length)
	for _, r := range h.Runs {
		if r[0] < 0 || r[1] < r[0] || r[1] > h.Length || r[1]-r[0] > len(pages) {
			return h, nil, errors.New("pages don't fit")
		}
		copy(mem[r[0]:r[1]], pages)
		pages = pages[r[1]-r[0]:]
	}
	if len(pages) > 0 {
		return h, nil, fmt.Errorf("%d bytes after the last page", len(pages))
	}
	return h, mem, nil
}
