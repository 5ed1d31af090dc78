package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/internal/testguest"
)

// start loads the test guest with a cache folder and runs it. It returns what was logged.
func start(t *testing.T, dir string) string {
	t.Helper()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	h, err := NewHost(context.Background(), HostConfig{CacheDir: dir, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(context.Background())
	p, err := h.Load(context.Background(), testguest.Guest(testguest.New()), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.RuntimeSnapshot(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in, err := p.NewInstance(testCap)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	bind(t, in, s)
	if v := invoke(t, in, soon(), testguest.Cmd('r', 200)); v != 42 {
		t.Errorf("_initialize wrote %d", v)
	}
	if v := invoke(t, in, soon(), testguest.Cmd('c')); v != 1001 {
		t.Errorf("counter %d", v)
	}
	return log.String()
}

func cached(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		if !strings.HasSuffix(f, sumSuffix) {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d files match %s", len(found), pattern)
	}
	return found[0]
}

// Damage anywhere in a cached file is noticed, logged and repaired.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	if log := start(t, dir); log != "" {
		t.Errorf("first start logged %s", log)
	}
	if log := start(t, dir); log != "" {
		t.Errorf("second start logged %s", log)
	}
	for _, pattern := range []string{filepath.Join(dir, "code", "*", "*"), filepath.Join(dir, "snapshots", "*.snap")} {
		file := cached(t, pattern)
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		damages := map[string][]byte{"empty": {}, "cut off": good[:len(good)/2], "longer": append(bytes.Clone(good), 0), "zeros": make([]byte, len(good))}
		for _, at := range []int{0, 6, 7, 16, 17, 18, 19, 20, 25, 60, len(good) / 2, len(good) - 1} {
			b := bytes.Clone(good)
			b[at] ^= 0xFF
			damages[string(rune('a'+len(damages)))] = b
		}
		for name, b := range damages {
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if log := start(t, dir); !strings.Contains(log, "anew") {
				t.Errorf("%s, %s: not logged: %q", filepath.Base(file), name, log)
			}
			if log := start(t, dir); log != "" {
				t.Errorf("%s, %s: not repaired: %s", filepath.Base(file), name, log)
			}
		}
	}
}

// A snapshot of another build of the guest isn't used.
func TestForeignSnapshotFile(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	file := cached(t, filepath.Join(dir, "snapshots", "*.snap"))
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Replace(b[len(snapshotMagic)+sha256.Size:], []byte(strings.Repeat("ab", 16)), []byte(strings.Repeat("cd", 16)), 1)
	if err := os.WriteFile(file, sealed(body), 0o600); err != nil {
		t.Fatal(err)
	}
	if log := start(t, dir); !strings.Contains(log, "another program") {
		t.Errorf("logged %q", log)
	}
}

// What nobody has used for long goes, what is in use stays, whoever it belongs to.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	code, snapshot := cached(t, filepath.Join(dir, "code", "*", "*")), cached(t, filepath.Join(dir, "snapshots", "*.snap"))
	write := func(parts ...string) string {
		t.Helper()
		file := filepath.Join(parts...)
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	version := filepath.Dir(code)
	old := []string{
		write(version, "0123"), write(version, "0123"+sumSuffix), write(version, "4567"+tmpSuffix), write(dir, "code", "89ab"+useSuffix),
		write(dir, "snapshots", "test-0123456789abcdef.snap"), write(dir, "snapshots", ".snap-123"),
	}
	young := []string{write(dir, "snapshots", "best-0123456789abcdef.snap"), write(version, "cdef"), write(version, "cdef"+sumSuffix)}
	all, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-100 * time.Hour)
	for _, f := range slices.Concat(old, all, []string{code, code + sumSuffix}) {
		if err := os.Chtimes(f, long, long); err != nil {
			t.Fatal(err)
		}
	}
	touch(young[0])
	h, err := NewHost(context.Background(), HostConfig{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(context.Background())
	for _, f := range young[1:] {
		touch(f)
	}
	// Loading is use.
	h.code.verified = true // or it would find those above damaged
	p, err := h.Load(context.Background(), testguest.Guest(testguest.New()), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.RuntimeSnapshot(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := h.Prune(99 * time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, f := range old {
		if _, err := os.Stat(f); err == nil {
			t.Errorf("%s is still there", filepath.Base(f))
		}
	}
	for _, f := range append(young, code, code+sumSuffix, snapshot) {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
}

// sealed puts magic and checksum before a snapshot file's body.
func sealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(append([]byte(snapshotMagic), sum[:]...), body...)
}

// FuzzParseSnapshot: whatever the file says, parsing ends, and what it accepts is within bounds.
func FuzzParseSnapshot(f *testing.F) {
	add := func(header string, pages int) {
		body := append(binary.LittleEndian.AppendUint32(nil, uint32(len(header))), header...)
		f.Add(append(body, make([]byte, pages*hostPage)...))
	}
	add(`{"abi":1,"program":"00","guest":"00","length":65536,"globals":[1],"info":{},"runs":[[0,4096],[8192,12288]]}`, 2)
	add(`{"length":65536,"runs":[[-4096,0]]}`, 1)
	add(`{"length":131072,"runs":[[0,131072],[0,131072]]}`, 1)
	add(`{"length":-65536,"runs":[]}`, 0)
	add(`{"length":99999999999999999999}`, 0)
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, body []byte) {
		h, mem, err := parseSnapshot(sealed(body))
		if err != nil {
			return
		}
		if len(mem) != h.Length || len(mem) > bootMemory || len(mem)%wasmPage != 0 {
			t.Errorf("%d bytes, header says %d", len(mem), h.Length)
		}
		if _, _, err := parseSnapshot(body); err == nil {
			t.Error("accepted without magic and checksum")
		}
	})
}

func TestSnapshotRoundTrip(t *testing.T) {
	h := newHost(t, HostConfig{CacheDir: t.TempDir()})
	p, s := load(t, h, testguest.New())
	again, err := p.readSnapshot(p.snapshotFile(""))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !bytes.Equal(contents(s), contents(again)) || len(again.info.Interrupts) != 1 || again.info.Interrupts[0] != (abi.Interrupt{Addr: testguest.AddrInterrupt, Mask: 1}) {
		t.Errorf("read %d bytes, info %+v", again.length, again.info)
	}
	if again.Size() != s.Size() {
		t.Errorf("sizes %d and %d", s.Size(), again.Size())
	}
}
