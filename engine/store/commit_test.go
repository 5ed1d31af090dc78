package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"pgregory.net/rapid"
)

// packages returns the hashes of all packages in the file.
func packages(t testing.TB, s *Store) map[string]bool {
	t.Helper()
	stored := map[string]bool{}
	if err := s.db.View(func(tx *badger.Txn) error {
		return each(tx, "b/", func(key string, _ []byte) error {
			stored[base64.StdEncoding.EncodeToString([]byte(key[:32]))] = true
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return stored
}

// Whoever changes the same function at the same time: every change is decided on the result of the one before it.
func TestConcurrentChanges(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	put(t, s, "f", []byte("code"))
	const writers, rounds = 16, 25
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range rounds {
				if err := s.Change(t.Context(), func(tx *Tx) error {
					f := tx.Function("1", "r", "f").Clone()
					f.LastVersion++
					v := *f.Latest
					v.Number = f.LastVersion
					f.Versions = append(f.Versions, &v)
					tx.PutFunction(f)
					if u := tx.Usage("1", "r"); u.CodeSize != int64(4*len(f.Versions)) {
						t.Errorf("usage %+v with %d versions before", u, len(f.Versions)-1)
					}
					if i%5 == 4 {
						return errors.New("no")
					}
					return tx.Put("b", fmt.Sprintf("%02d", w), &i)
				}); (err != nil) != (i%5 == 4) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	f, _ := s.Function("1", "r", "f")
	for i, v := range f.Versions {
		if v.Number != uint64(i+1) {
			t.Fatalf("version %d is number %d", i, v.Number)
		}
	}
	if len(f.Versions) != writers*rounds*4/5 || f.LastVersion != uint64(len(f.Versions)) {
		t.Errorf("%d versions, the last is %d", len(f.Versions), f.LastVersion)
	}
	if got, err := Scan[int](s, "b", "", "00", 3); err != nil || len(got) != 3 || *got[0] != rounds-2 {
		t.Errorf("%v, %v", got, err)
	}
}

// A commit that is more than Badger takes at once becomes several.
func TestManyLargeChangesAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			if err := s.Change(t.Context(), func(tx *Tx) error {
				for j := range 20 {
					if err := tx.Put("large", fmt.Sprint(i, "/", j), strings.Repeat("x", 20<<10)); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, err := Scan[string](s, "large", "7/", "", 100); err != nil || len(got) != 20 {
		t.Errorf("%d, %v", len(got), err)
	}
}

func TestVersionNumbersOutliveTheFunction(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "f", []byte("code"))
	bump := func() {
		t.Helper()
		if err := s.Change(t.Context(), func(tx *Tx) error {
			f := tx.Function("1", "r", "f").Clone()
			f.LastVersion += 5
			f.Set("x", func(q *Qualified) { q.Alias = &Alias{Version: Latest} })
			tx.PutFunction(f)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	bump()
	remove(t, s, "f")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	if err := s.Change(t.Context(), func(tx *Tx) error {
		if n := tx.LastVersion("1", "r", "f"); n != 5 {
			t.Errorf("last version %d", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if f := put(t, s, "f", []byte("again")); len(f.Qualified) != 0 {
		t.Errorf("%+v came back", f.Qualified)
	}
}

func TestEvents(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var ids []uint64
	for i := range 5 {
		e := &Event{Account: "1", Region: "r", Function: fmt.Sprint("f", i), Payload: bytes.Repeat([]byte{'x'}, i*40000), ClientContext: []byte(`{}`)}
		if err := s.AppendEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	e, err := s.Event(ids[2])
	if err != nil || len(e.Payload) != 80000 || e.Function != "f2" || string(e.ClientContext) != "{}" {
		t.Fatalf("%+v, %v", e, err)
	}
	e.Attempts = 2
	if err := errors.Join(s.PutEvent(t.Context(), e), s.DeleteEvent(t.Context(), ids[0]), s.DeleteEvent(t.Context(), ids[4]), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	var got []string
	if err := s.Events(func(e *Event) { got = append(got, fmt.Sprint(e.Function, e.Attempts, e.Size, len(e.Payload))) }); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint([]string{fmt.Sprint("f1", 0, 40000, 0), fmt.Sprint("f2", 2, 80000, 0), fmt.Sprint("f3", 0, 120000, 0)}); fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
	if _, err := s.Event(ids[0]); !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted event: %v", err)
	}
	next := &Event{}
	if err := s.AppendEvent(t.Context(), next); err != nil || next.ID <= ids[3] {
		t.Errorf("id %d after %v, %v", next.ID, ids, err)
	}
}

// A backup taken while everything changes is one moment: what belongs together is together in it.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "a"))
	defer s.Close()
	large := randomBytes(5 << 20)
	put(t, s, "large", large)
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	begun := make(chan struct{})
	writer.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := s.Change(context.Background(), func(tx *Tx) error {
				return errors.Join(tx.Put("left", "x", i), tx.Put("right", "x", i), tx.Put("many", fmt.Sprint(i%100), strings.Repeat("y", 1000)))
			}); err != nil {
				t.Error(err)
			}
			if i == 10 {
				close(begun)
			}
		}
	})
	<-begun
	var b bytes.Buffer
	err := s.Backup(t.Context(), &b)
	stop()
	writer.Wait()
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "b")
	if err := Restore(t.Context(), bytes.NewReader(b.Bytes()), to, Options{}); err != nil {
		t.Fatal(err)
	}
	r := open(t, to)
	defer r.Close()
	left, ok, err := Get[int](r, "left", "x")
	right, ok2, err2 := Get[int](r, "right", "x")
	if !ok || !ok2 || err != nil || err2 != nil || *left != *right || *left < 10 {
		t.Errorf("%v and %v", left, right)
	}
	if code, err := r.Code(t.Context(), HashCode(large)); err != nil || !bytes.Equal(code, large) {
		t.Error(err)
	}
	if err := Restore(t.Context(), bytes.NewReader(b.Bytes()), to, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("into a folder in use: %v", err)
	}
	for name, damaged := range map[string][]byte{
		"cut": b.Bytes()[:b.Len()-1000], "cut at the end": b.Bytes()[:b.Len()-1], "empty": nil, "no backup": []byte("hello, this is something else"),
		"changed": append(append(bytes.Clone(b.Bytes()[:b.Len()/2]), b.Bytes()[b.Len()/2]^1), b.Bytes()[b.Len()/2+1:]...),
	} {
		if err := Restore(t.Context(), bytes.NewReader(damaged), filepath.Join(dir, name), Options{}); !errors.Is(err, ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A damaged backup ends in an error, whatever the damage is, and needs no more memory than an entry may.
func FuzzBackupEntry(f *testing.F) {
	f.Add([]byte("\x01\x02kvv\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		for left := len(b); ; {
			key, value, err := backupEntry(r)
			if err != nil {
				return
			}
			if left -= len(key) + len(value) + 2; left < 0 || len(key) > maxBackupKey || len(value) > maxBackupValue {
				t.Fatalf("%d and %d bytes of %d", len(key), len(value), len(b))
			}
		}
	})
}

// The view is the file: whatever is changed, opening again shows the same.
func TestViewIsTheFile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		s, err := Open(dir, Options{NoSync: true})
		if err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 30).Draw(rt, "changes") {
			name := rapid.SampledFrom([]string{"a", "b", "a-b"}).Draw(rt, "name")
			code := s.Pack(fmt.Appendf(nil, "code %d", rapid.IntRange(0, 3).Draw(rt, "code")))
			q := rapid.SampledFrom([]string{"", "$LATEST", "1", "alias"}).Draw(rt, "qualifier")
			kind := rapid.IntRange(0, 5).Draw(rt, "kind")
			if err := s.Change(t.Context(), func(tx *Tx) error {
				f := tx.Function("1", "r", name)
				if kind == 5 {
					tx.DeleteFunction("1", "r", name)
					return nil
				}
				if f == nil {
					f = &Function{Account: "1", Region: "r", Name: name, LastVersion: tx.LastVersion("1", "r", name)}
				}
				f = f.Clone()
				if kind == 0 || f.Latest == nil {
					f.Latest = &Version{Account: "1", Region: "r", Name: name, CodeSHA256: code.SHA256, CodeSize: code.Size}
					tx.AddCode(code)
				}
				switch kind {
				case 1:
					f.LastVersion++
					v := *f.Latest
					v.Number = f.LastVersion
					f.Versions = append(f.Versions, &v)
				case 2:
					if len(f.Versions) > 0 {
						f.Versions = f.Versions[1:]
					}
				case 3:
					f.Set(q, func(q *Qualified) { q.Alias = &Alias{Version: Latest, Description: code.SHA256} })
				case 4:
					f.Set(q, func(q *Qualified) { q.Alias = nil })
				}
				tx.PutFunction(f)
				return nil
			}); err != nil {
				rt.Fatal(err)
			}
		}
		before, refs, counters := dump(s), fmt.Sprint(s.view.refs), fmt.Sprint(s.view.counters)
		stored := packages(t, s)
		if len(stored) != len(s.view.refs) {
			rt.Fatalf("%d packages stored, %d referred to", len(stored), len(s.view.refs))
		}
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
		if s, err = Open(dir, Options{NoSync: true}); err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		if after := dump(s); after != before || fmt.Sprint(s.view.refs) != refs || fmt.Sprint(s.view.counters) != counters {
			rt.Fatalf("before:\n%s\nafter:\n%s\n%v %v", before, after, refs, s.view.refs)
		}
	})
}

func dump(s *Store) string {
	var b strings.Builder
	for _, f := range s.List("1", "r", "", 100) {
		fmt.Fprintf(&b, "%s %d %d %v\n", f.Name, f.Revision, f.LastVersion, *f.Latest)
		for _, v := range f.Versions {
			fmt.Fprintf(&b, "  %d %v\n", v.Number, *v)
		}
		for _, q := range []string{"", "$LATEST", "1", "alias"} {
			fmt.Fprintf(&b, "  %q %v\n", q, f.Alias(q))
		}
	}
	return b.String() + fmt.Sprint(s.Usage("1", "r"))
}

// BenchmarkChange shows what writers cost each other: they share syncs.
func BenchmarkChange(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var all sync.WaitGroup
			for w := range writers {
				all.Go(func() {
					for i := w; i < b.N; i += writers {
						if err := s.Change(context.Background(), func(tx *Tx) error { return tx.Put("b", fmt.Sprint(w), i) }); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// BenchmarkOpen is a start with many functions.
func BenchmarkOpen(b *testing.B) {
	const n = 100_000
	dir := b.TempDir()
	s, err := Open(dir, Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	code := s.Pack([]byte("code"))
	for i := 0; i < n; i += 500 {
		if err := s.Change(context.Background(), func(tx *Tx) error {
			tx.AddCode(code)
			for j := i; j < i+500; j++ {
				v := Version{
					Account: "123456789012", Region: "us-east-1", Name: fmt.Sprintf("function-%06d", j), CodeSHA256: code.SHA256, CodeSize: code.Size,
					Runtime: "python3.13", Handler: "app.handler", Role: "arn:aws:iam::123456789012:role/lambda", Environment: map[string]string{"STAGE": "prod", "TABLE": "orders"},
				}
				published := v
				published.Number = 1
				tx.PutFunction(&Function{Account: v.Account, Region: v.Region, Name: v.Name, Latest: &v, Versions: []*Version{&published}, LastVersion: 1})
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s, err = Open(dir, Options{}); err != nil {
			b.Fatal(err)
		}
		if u := s.Usage("123456789012", "us-east-1"); u.Functions != n {
			b.Fatalf("%+v", u)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
