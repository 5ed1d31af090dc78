package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("THAW_STORE_CRASH_DIR"); dir != "" {
		writeUntilKilled(dir)
		return
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

func put(t *testing.T, s *Store, name string, code []byte) *Function {
	t.Helper()
	f, err := s.Update(t.Context(), "1", "r", name, func(*Function) (*Change, error) {
		return &Change{Function: &Function{CodeSHA256: HashCode(code), CodeSize: int64(len(code)), LastModified: time.Now().UTC()}, Code: code}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func remove(t *testing.T, s *Store, name string) {
	t.Helper()
	if _, err := s.Update(t.Context(), "1", "r", name, func(*Function) (*Change, error) { return nil, nil }); err != nil {
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
	small, large := []byte("small"), randomBytes(50<<20) // the largest package that the guide allows
	put(t, s, "b", small)
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
	for name, code := range map[string][]byte{"a": large, "b": small} {
		f, ok := s.Function("1", "r", name)
		if !ok {
			t.Fatalf("%s is gone", name)
		}
		got, err := s.Code(t.Context(), f.CodeSHA256)
		if err != nil || !bytes.Equal(got, code) {
			t.Errorf("%s: %d bytes of code, %v", name, len(got), err)
		}
	}
	if u := s.Usage("1", "r"); u.Functions != 2 || u.CodeSize != int64(len(small)+len(large)) {
		t.Errorf("usage %+v", u)
	}
	if f := put(t, s, "c", small); f.Revision != 3 {
		t.Errorf("revision %d after two changes", f.Revision)
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
	if _, err := s.Update(t.Context(), "1", "r", "x", func(*Function) (*Change, error) { return nil, refuse }); !errors.Is(err, refuse) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Update(t.Context(), "1", "r", "x", func(*Function) (*Change, error) { return nil, nil }); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleting nothing: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Update(canceled, "1", "r", "x", func(*Function) (*Change, error) {
		return &Change{Function: &Function{CodeSHA256: HashCode(nil)}}, nil
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if _, ok := s.Function("1", "r", "x"); ok {
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

// writeUntilKilled is the child process of TestKill: it changes ten functions over and over and prints what was acknowledged.
func writeUntilKilled(dir string) {
	s, err := Open(dir, Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		name := fmt.Sprint("f", i%10)
		code := bytes.Repeat([]byte(strconv.Itoa(i)), 1000*(i%7))
		_, err := s.Update(context.Background(), "1", "r", name, func(*Function) (*Change, error) {
			return &Change{Function: &Function{Description: strconv.Itoa(i), CodeSHA256: HashCode(code), CodeSize: int64(len(code))}, Code: code}, nil
		})
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("ok", name, i)
	}
}

// Whatever was acknowledged before a kill -9 is there afterwards, and nothing is half there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	for round := range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "THAW_STORE_CRASH_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := map[string]int{}
		lines := bufio.NewScanner(out)
		for n, limit := 0, 20+rand.IntN(60); lines.Scan(); n++ {
			var name string
			var i int
			if _, err := fmt.Sscanf(lines.Text(), "ok %s %d", &name, &i); err != nil {
				t.Fatalf("round %d: %q", round, lines.Text())
			}
			acknowledged[name] = i
			if n == limit {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		s := open(t, dir)
		for name, i := range acknowledged {
			f, ok := s.Function("1", "r", name)
			if !ok {
				t.Errorf("round %d: %s is gone", round, name)
				continue
			}
			got, err := strconv.Atoi(f.Description)
			if err != nil || got < i {
				t.Errorf("round %d: %s is at %q, %d was acknowledged", round, name, f.Description, i)
			}
			if f.CodeSize > 0 {
				code, err := s.Code(t.Context(), f.CodeSHA256)
				if err != nil || int64(len(code)) != f.CodeSize || !strings.HasPrefix(string(code), f.Description) {
					t.Errorf("round %d: code of %s: %d bytes, %v", round, name, len(code), err)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
