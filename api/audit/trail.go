package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Config configures a Trail.
type Config struct {
	Dir    string        // of files; empty = none are written
	Region string        // for example us-east-1
	Stream *slog.Logger  // gets every record at level Info; nil = none
	Errors *slog.Logger  // for what goes wrong; nil discards it
	Every  time.Duration // how old the oldest record of a spool may become; 0 = five minutes
	Size   int64         // of a spool, in bytes, that ends it; 0 = 16 MiB
}

// Trail is an audit log. Its methods may be called by many goroutines at once.
type Trail struct {
	cfg    Config
	events chan *Event
	closed chan struct{}
	done   chan struct{}
	once   sync.Once

	spools map[string]*spool // by account; the writer's
}

// spool is the records of an account that aren't delivered yet.
type spool struct {
	file  *os.File
	w     *bufio.Writer
	size  int64
	since time.Time // of the oldest record
}

// queued is how many records may wait; callers wait when there are more: none is dropped.
const queued = 1024

// Open begins a log and delivers what an earlier process has left in its spools.
func Open(cfg Config) (*Trail, error) {
	if cfg.Every == 0 {
		cfg.Every = 5 * time.Minute
	}
	if cfg.Size == 0 {
		cfg.Size = 16 << 20
	}
	if cfg.Errors == nil {
		cfg.Errors = slog.New(slog.DiscardHandler)
	}
	t := &Trail{cfg: cfg, events: make(chan *Event, queued), closed: make(chan struct{}), done: make(chan struct{}), spools: map[string]*spool{}}
	if cfg.Dir != "" {
		if err := os.MkdirAll(t.spoolDir(), 0o700); err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		left, err := os.ReadDir(t.spoolDir())
		if err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		for _, f := range left {
			if account, ok := strings.CutSuffix(f.Name(), ".jsonl"); ok {
				if err := t.deliver(account); err != nil {
					return nil, fmt.Errorf("audit log: %w", err)
				}
			}
		}
	}
	go t.write()
	return t, nil
}

// Record takes an event in. It returns before the event is written, and waits only if many others are waiting. After Close it
// does nothing.
func (t *Trail) Record(e *Event) {
	select {
	case <-t.closed:
		return
	default:
	}
	select {
	case t.events <- e:
	case <-t.closed:
	}
}

// Close writes what waits and delivers it.
func (t *Trail) Close() {
	t.once.Do(func() { close(t.closed) })
	<-t.done
}

func (t *Trail) spoolDir() string { return filepath.Join(t.cfg.Dir, "spool") }
func (t *Trail) spoolFile(account string) string {
	return filepath.Join(t.spoolDir(), account+".jsonl")
}

// write is the one goroutine that touches files.
func (t *Trail) write() {
	defer close(t.done)
	tick := time.NewTicker(min(t.cfg.Every, time.Minute))
	defer tick.Stop()
	for {
		select {
		case <-t.closed:
			t.drain()
			for account := range t.spools {
				t.end(account)
			}
			return
		case e := <-t.events:
			t.append(e)
			t.drain()
			for account, s := range t.spools {
				if err := s.w.Flush(); err != nil {
					t.failed(account, err)
				} else if s.size >= t.cfg.Size {
					t.end(account)
				}
			}
		case now := <-tick.C:
			for account, s := range t.spools {
				if now.Sub(s.since) >= t.cfg.Every {
					t.end(account)
				}
			}
		}
	}
}

// drain appends what waits: it is written together.
func (t *Trail) drain() {
	for range queued {
		select {
		case e := <-t.events:
			t.append(e)
		default:
			return
		}
	}
}

func (t *Trail) append(e *Event) {
	b, err := e.marshal(t.cfg.Region)
	if err != nil {
		t.failed(e.Account, err)
		return
	}
	if t.cfg.Stream != nil {
		t.cfg.Stream.LogAttrs(context.Background(), slog.LevelInfo, "cloudtrail", slog.Any("record", json.RawMessage(b)))
	}
	if t.cfg.Dir == "" {
		return
	}
	s := t.spools[e.Account]
	if s == nil {
		file, err := os.OpenFile(t.spoolFile(e.Account), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.failed(e.Account, err)
			return
		}
		s = &spool{file: file, w: bufio.NewWriterSize(file, 64<<10), since: time.Now()}
		t.spools[e.Account] = s
	}
	n, err := s.w.Write(append(b, '\n'))
	s.size += int64(n)
	if err != nil {
		t.failed(e.Account, err)
	}
}

// failed notes that records may be lost, and begins the account's spool anew.
func (t *Trail) failed(account string, err error) {
	t.cfg.Errors.Error("audit log: record not written", "account", account, "error", err)
	if s := t.spools[account]; s != nil {
		_ = s.file.Close()
		delete(t.spools, account)
	}
}

// end closes a spool and delivers it.
func (t *Trail) end(account string) {
	s := t.spools[account]
	delete(t.spools, account)
	err := errors.Join(s.w.Flush(), s.file.Close())
	if err = errors.Join(err, t.deliver(account)); err != nil {
		t.cfg.Errors.Error("audit log: not delivered; the records stay in the spool", "account", account, "error", err)
	}
}

// deliver turns an account's spool into a file of CloudTrail's kind. The spool is removed once that is on disk: a crash in
// between delivers the records twice, with the same ids.
func (t *Trail) deliver(account string) error {
	b, err := os.ReadFile(t.spoolFile(account))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write([]byte(`{"Records":[`)) // into memory
	n := 0
	for line := range bytes.Lines(b) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if !json.Valid(line) { // cut off by a crash
			continue
		}
		if n > 0 {
			_, _ = z.Write([]byte(","))
		}
		_, _ = z.Write(line)
		n++
	}
	_, _ = z.Write([]byte("]}"))
	if err := z.Close(); err != nil {
		return err
	}
	if n > 0 {
		now := time.Now().UTC()
		dir := filepath.Join(t.cfg.Dir, "AWSLogs", account, "CloudTrail", t.cfg.Region, now.Format("2006"), now.Format("01"), now.Format("02"))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, account+"_CloudTrail_"+t.cfg.Region+"_"+now.Format("20060102T1504Z")+"_"+rand.Text()[:16]+".json.gz"), out.Bytes()); err != nil {
			return err
		}
	}
	return os.Remove(t.spoolFile(account))
}

// writeFile writes a file that is there wholly or not at all.
func writeFile(name string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".delivery-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
