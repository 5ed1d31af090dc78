package store

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("THAW_STORE_CRASH_DIR"); dir != "" {
		writeUntilKilled(dir)
		return
	}
	if err := flag.Set("rapid.checks", "25"); err != nil { // each opens two stores
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// set stores a function's $LATEST with a package.
func set(ctx context.Context, s *Store, name string, p *Package, v Version) error {
	return s.Change(ctx, func(tx *Tx) error {
		f := tx.Function("1", "r", name)
		if f == nil {
			f = &Function{Account: "1", Region: "r", Name: name}
		}
		f = f.Clone()
		v.Account, v.Region, v.Name, v.CodeSHA256, v.CodeSize = "1", "r", name, p.SHA256, p.Size
		f.Latest = &v
		tx.AddCode(p)
		tx.PutFunction(f)
		return nil
	})
}

func put(t *testing.T, s *Store, name string, code []byte) *Function {
	t.Helper()
	if err := set(t.Context(), s, name, s.Pack(code), Version{LastModified: time.Now().UTC()}); err != nil {
		t.Fatal(err)
	}
	f, _ := s.Function("1", "r", name)
	return f
}

func remove(t *testing.T, s *Store, name string) {
	t.Helper()
	if err := s.Change(t.Context(), func(tx *Tx) error { tx.DeleteFunction("1", "r", name); return nil }); err != nil {
		t.Fatal(err)
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b)
	return b
}

func TestEverythingIsThereAfterReopening(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	// The largest package that the guide allows, and one that compression makes tiny: its parts count in full against Badger's
	// limit for a transaction.
	small, large, hollow := []byte("small"), randomBytes(50<<20), bytes.Repeat([]byte(strings.Repeat("hollow", 1000)), 50<<20/6000)
	put(t, s, "b", small)
	put(t, s, "hollow", hollow)
	put(t, s, "a", large)
	secret, err := s.Secret("x")
	if err != nil || len(secret) != 32 {
		t.Fatalf("secret of %d bytes, %v", len(secret), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	if again, err := s.Secret("x"); err != nil || !bytes.Equal(secret, again) {
		t.Errorf("the secret changed (%v)", err)
	}
	for name, code := range map[string][]byte{"a": large, "b": small, "hollow": hollow} {
		f, ok := s.Function("1", "r", name)
		if !ok {
			t.Fatalf("%s is gone", name)
		}
		got, err := s.Code(t.Context(), f.Latest.CodeSHA256)
		if err != nil || !bytes.Equal(got, code) {
			t.Errorf("%s: %d bytes of code, %v", name, len(got), err)
		}
	}
	if u := s.Usage("1", "r"); u.Functions != 3 || u.CodeSize != int64(len(small)+len(large)+len(hollow)) {
		t.Errorf("usage %+v", u)
	}
	if f := put(t, s, "c", small); f.Revision != 4 {
		t.Errorf("revision %d after three changes", f.Revision)
	}
}

func TestCodeLivesAsLongAsAFunctionRefersToIt(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	code := randomBytes(3 << 20)
	put(t, s, "one", code)
	put(t, s, "two", code)
	remove(t, s, "one")
	if _, err := s.Code(t.Context(), HashCode(code)); err != nil {
		t.Errorf("code of a living function: %v", err)
	}
	put(t, s, "two", []byte("other"))
	if _, err := s.Code(t.Context(), HashCode(code)); !errors.Is(err, ErrNotFound) {
		t.Errorf("code that nobody refers to: %v", err)
	}
	if _, err := s.Code(t.Context(), "no hash"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("bad hash: %v", err)
	}
}

func TestARefusedChangeLeavesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	refuse := errors.New("refused")
	if err := s.Change(t.Context(), func(tx *Tx) error {
		tx.PutFunction(&Function{Account: "1", Region: "r", Name: "x", Latest: &Version{}})
		return refuse
	}); !errors.Is(err, refuse) {
		t.Errorf("got %v", err)
	}
	if err := s.Change(t.Context(), func(tx *Tx) error { tx.DeleteFunction("1", "r", "x"); return nil }); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := set(canceled, s, "x", s.Pack([]byte("x")), Version{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if err := s.Change(t.Context(), func(tx *Tx) error {
		tx.PutFunction(&Function{Account: "1", Region: "r", Name: "x", Latest: &Version{CodeSHA256: HashCode([]byte("never stored"))}})
		return nil
	}); !errors.Is(err, ErrNotFound) {
		t.Errorf("code that isn't there: %v", err)
	}
	func() {
		defer func() {
			if recover() != "ouch" {
				t.Error("a panic stays in the store")
			}
		}()
		_ = s.Change(t.Context(), func(*Tx) error { panic("ouch") })
	}()
	if _, ok := s.Function("1", "r", "x"); ok || s.Usage("1", "r").Functions != 0 {
		t.Error("stored all the same")
	}
}

func TestList(t *testing.T) {
	s, err := Open(t.TempDir(), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, i := range rand.Perm(25) {
		put(t, s, fmt.Sprintf("f%02d", i), []byte("x"))
	}
	var names []string
	for after := ""; ; {
		page := s.List("1", "r", after, 10)
		if len(page) == 0 {
			break
		}
		for _, f := range page {
			names = append(names, f.Name)
		}
		after = page[len(page)-1].Name
		remove(t, s, after) // the marker itself may go
	}
	if len(names) != 25 || names[0] != "f00" || names[24] != "f24" {
		t.Errorf("listed %v", names)
	}
	if got := s.List("2", "r", "", 10); got != nil {
		t.Errorf("another account's: %v", got)
	}
}

func TestASecondProcessIsTold(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
}

func TestMigrations(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if err := s.db.Update(func(tx *badger.Txn) error { return tx.Set([]byte(schemaKey), []byte("1")) }); err != nil {
		t.Fatal(err)
	}
	var ran []int
	step := func(n int, err error) migration {
		return func(tx *badger.Txn) error {
			ran = append(ran, n)
			return errors.Join(err, tx.Set([]byte("x"), []byte{byte(n)}))
		}
	}
	broken := errors.New("broken")
	if err := migrate(s.db, []migration{step(1, nil), step(2, broken)}); !errors.Is(err, broken) {
		t.Errorf("a step that fails: %v", err)
	}
	if err := migrate(s.db, []migration{step(1, nil), step(2, nil), step(3, nil)}); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(ran) != "[1 2 2 3]" {
		t.Errorf("steps run: %v", ran)
	}
	if err := migrate(s.db, []migration{step(1, nil)}); !errors.Is(err, ErrSchema) {
		t.Errorf("a folder of a newer program: %v", err)
	}
}

// Records in the view are replaced, never changed, and readers see each change wholly.
func TestReadersSeeWholeRecords(t *testing.T) {
	s, err := Open(t.TempDir(), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const rounds = 300
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for last := uint64(0); ; {
				select {
				case <-stop:
					return
				default:
				}
				f, ok := s.Function("1", "r", "f")
				if !ok {
					continue
				}
				if f.Latest.Description != strconv.Itoa(f.Latest.Timeout) || f.Revision < last {
					t.Errorf("revision %d after %d: %q, %d", f.Revision, last, f.Latest.Description, f.Latest.Timeout)
					return
				}
				last = f.Revision
				s.List("1", "r", "", 10)
			}
		})
	}
	for i := range rounds {
		if err := set(t.Context(), s, "f", s.Pack([]byte{byte(i % 3)}), Version{Description: strconv.Itoa(i), Timeout: i}); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
}

func FuzzDecodeFunction(f *testing.F) {
	good, err := encodeFunction(&Function{LastVersion: 3, Latest: &Version{Account: "1", Name: "f", Environment: map[string]string{"A": "b"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{recordVersion})
	f.Add([]byte{2, '{', '}'})
	f.Fuzz(func(t *testing.T, b []byte) {
		fn, err := decodeFunction(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v", err)
			}
			return
		}
		again, err := encodeFunction(fn)
		if err != nil {
			return // a time that JSON can read and not write
		}
		if _, err := decodeFunction(again); err != nil {
			t.Errorf("%q can't be read: %v", again, err)
		}
	})
}

// A folder that the program wrote before there were versions is opened, and closed to that program.
func TestAFolderOfSchema1(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "other", []byte("code"))
	if err := s.db.Update(func(tx *badger.Txn) error {
		const record = "\x01" + `{"account":"1","region":"r","name":"old","revision":7,"revisionId":"id","runtime":"python3.13","role":"arn","handler":"a.b","timeout":3,"memorySize":128,"environment":{"A":"b"},"tmpSize":512,"reserved":5,"tags":{"k":"v"},"lastModified":"2026-01-02T03:04:05Z","codeSha256":"` + "%s" + `","codeSize":4}`
		return errors.Join(tx.Set([]byte(schemaKey), []byte("1")), tx.Set([]byte("f/1/r/old"), fmt.Appendf(nil, record, HashCode([]byte("code")))))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	f, ok := s.Function("1", "r", "old")
	if !ok || f.Revision != 7 || f.Latest.Handler != "a.b" || f.Latest.RevisionID != "id" || *f.Reserved != 5 || f.Tags["k"] != "v" || f.Latest.Environment["A"] != "b" || len(f.Versions) != 0 || s.view.references(f.Latest.CodeSHA256) != 2 {
		t.Errorf("%+v", f)
	}
	if err := migrate(s.db, nil); !errors.Is(err, ErrSchema) {
		t.Errorf("a program that knows schema 1 only: %v", err)
	}
}
