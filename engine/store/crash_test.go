package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// writeUntilKilled is the child process of TestKill: writers change functions, versions, aliases, layers, documents and events
// all at once and print what was acknowledged.
func writeUntilKilled(dir string) {
	s, err := Open(dir, Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	start, _ := strconv.Atoi(os.Getenv("THAW_STORE_CRASH_START"))
	var print sync.Mutex
	ok := func(kind, name string, n int, err error) {
		print.Lock()
		defer print.Unlock()
		if err != nil {
			fmt.Println("error", kind, name, err)
			os.Exit(1)
		}
		fmt.Println("ok", kind, name, n)
	}
	ctx := context.Background()
	for w := range 8 { // each has names of its own, so that the last acknowledged number of each is known
		go func() {
			for i := start; ; i++ {
				name := fmt.Sprintf("f%d-%d", w, i%3)
				code := bytes.Repeat([]byte(strconv.Itoa(i)+" "), 1+3000*(i%40/8))
				switch i % 8 {
				case 0, 1, 2: // code and publication in one change
					p := s.Pack(code)
					err := s.Change(ctx, func(tx *Tx) error {
						f := tx.Function("1", "r", name)
						if f == nil {
							f = &Function{Account: "1", Region: "r", Name: name, LastVersion: tx.LastVersion("1", "r", name)}
						}
						f = f.Clone()
						v := &Version{Account: "1", Region: "r", Name: name, CodeSHA256: p.SHA256, CodeSize: p.Size, Description: strconv.Itoa(i)}
						f.Latest = v
						f.LastVersion++
						published := *v
						published.Number = f.LastVersion
						f.Versions = append(f.Versions, &published)
						if len(f.Versions) > 3 {
							f.Versions = f.Versions[1:]
						}
						f.Set("alias", func(q *Qualified) { q.Alias = &Alias{Version: published.Label(), Description: v.Description} })
						tx.AddCode(p)
						tx.PutFunction(f)
						return nil
					})
					ok("function", name, i, err)
				case 3:
					if i%5 == 0 {
						err := s.Change(ctx, func(tx *Tx) error { tx.DeleteFunction("1", "r", name); return nil })
						ok("delete", name, i, err)
					}
				case 4:
					p := s.Pack(code)
					layer := fmt.Sprint("l", w)
					err := s.Change(ctx, func(tx *Tx) error {
						l := tx.Layer("1", "r", layer)
						if l == nil {
							l = &Layer{Account: "1", Region: "r", Name: layer}
						}
						l = l.Clone()
						l.LastVersion++
						l.Versions = append(l.Versions, &LayerVersion{Number: l.LastVersion, CodeSHA256: p.SHA256, CodeSize: p.Size, Description: strconv.Itoa(i)})
						if len(l.Versions) > 2 {
							l.Versions = l.Versions[1:]
						}
						tx.AddCode(p)
						tx.PutLayer(l)
						return nil
					})
					ok("layer", layer, i, err)
				case 5: // two documents that belong together
					err := s.Change(ctx, func(tx *Tx) error {
						return errors.Join(tx.Put("left", fmt.Sprint(w), i), tx.Put("right", fmt.Sprint(w), i))
					})
					ok("document", fmt.Sprint(w), i, err)
				default:
					e := &Event{Account: "1", Region: "r", Function: name, RequestID: strconv.Itoa(i), Payload: code}
					err := s.AppendEvent(ctx, e)
					ok("event", strconv.FormatUint(e.ID, 10), i, err)
					if i%8 == 7 {
						ok("done", strconv.FormatUint(e.ID, 10), i, s.DeleteEvent(ctx, e.ID))
					}
				}
			}
		}()
	}
	select {}
}

// Whatever was acknowledged before a kill -9 is there afterwards, and nothing is half there: 10,000 mixed writes, killed at
// random points.
func TestKill(t *testing.T) {
	total := 10000
	if testing.Short() {
		total = 1000
	}
	dir := t.TempDir()
	last := map[string]int{} // by kind and name; what was acknowledged
	gone := map[string]bool{}
	start, writes, rounds := 0, 0, 0
	for ; writes < total; rounds++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "THAW_STORE_CRASH_DIR="+dir, fmt.Sprint("THAW_STORE_CRASH_START=", start))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n, limit := 0, total/40+rand.IntN(total/10); lines.Scan(); n++ {
			var kind, name string
			var i int
			if _, err := fmt.Sscanf(lines.Text(), "ok %s %s %d", &kind, &name, &i); err != nil {
				if cmd.ProcessState == nil && n > limit {
					break // a line cut short by the kill
				}
				t.Fatalf("round %d: %q", rounds, lines.Text())
			}
			if writes++; n == limit {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			switch kind {
			case "done":
				gone[name] = true
			case "delete":
				last["function "+name] = -1
			default:
				last[kind+" "+name] = i
			}
			start = max(start, i+1)
		}
		_ = cmd.Wait()
		s := open(t, dir)
		checkAfterKill(t, s, last, gone)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("round %d, after %d writes", rounds, writes)
		}
	}
	t.Logf("%d acknowledged writes, %d kills", writes, rounds)
}

func checkAfterKill(t *testing.T, s *Store, last map[string]int, gone map[string]bool) {
	t.Helper()
	code := func(what, sha string, size int64, description string) {
		b, err := s.Code(t.Context(), sha)
		if err != nil || int64(len(b)) != size || !strings.HasPrefix(string(b), description+" ") {
			t.Errorf("code of %s: %d bytes, %v", what, len(b), err)
		}
	}
	number := func(what, text string, least int) {
		if n, err := strconv.Atoi(text); err != nil || n < least {
			t.Errorf("%s is at %q, %d was acknowledged", what, text, least)
		}
	}
	refs := map[string]int{}
	for _, f := range s.List("1", "r", "", 1000) {
		for v := range f.all() {
			code(f.Name, v.CodeSHA256, v.CodeSize, v.Description)
			refs[v.CodeSHA256]++
		}
		n := len(f.Versions)
		if a := f.Alias("alias"); a == nil || f.Versions[n-1].Label() != a.Version || f.Versions[n-1].Number != f.LastVersion || a.Description != f.Latest.Description {
			t.Errorf("%s is half there: alias %+v, versions %d", f.Name, a, n)
		}
	}
	for key, i := range last {
		kind, name, _ := strings.Cut(key, " ")
		switch kind {
		case "function":
			f, ok := s.Function("1", "r", name)
			switch {
			case i < 0: // deleted, and perhaps created again without an acknowledgement
			case ok:
				number(name, f.Latest.Description, i)
			default:
				// A deletion may have been carried out and not acknowledged; then its counter is there.
				if s.view.counter(functionID{"1", "r", name}) == 0 {
					t.Errorf("%s is gone", name)
				}
			}
		case "layer":
			l, ok := s.Layer("1", "r", name)
			if !ok {
				t.Errorf("layer %s is gone", name)
				continue
			}
			number("layer "+name, l.Versions[len(l.Versions)-1].Description, i)
			for _, v := range l.Versions {
				code("layer "+name, v.CodeSHA256, v.CodeSize, v.Description)
			}
		case "document":
			left, ok, err := Get[int](s, "left", name)
			right, ok2, err2 := Get[int](s, "right", name)
			if !ok || !ok2 || err != nil || err2 != nil || *left != *right || *left < i {
				t.Errorf("document %s: %v %v, %d was acknowledged", name, left, right, i)
			}
		case "event":
			id, _ := strconv.ParseUint(name, 10, 64)
			e, err := s.Event(id)
			switch {
			case gone[name]:
				if err == nil {
					t.Errorf("event %s is there again", name)
				}
			case err != nil:
				if i%8 != 7 { // else its deletion may not have been acknowledged
					t.Errorf("event %s: %v", name, err)
				}
			case e.RequestID != strconv.Itoa(i) || len(e.Payload) != e.Size:
				t.Errorf("event %s is %+v", name, e)
			}
		}
	}
}

// Half a change is never seen in the file either: the packages that are stored are those that are referred to.
func TestNoPackageWithoutReference(t *testing.T) {
	s, err := Open(t.TempDir(), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 200 {
		name := fmt.Sprint("f", i%7)
		if i%11 == 3 {
			remove(t, s, name)
		} else {
			put(t, s, name, bytes.Repeat([]byte{byte(i % 5)}, 1+i%3*(2<<20)))
		}
	}
	stored := packages(t, s)
	want := map[string]bool{}
	for _, f := range s.List("1", "r", "", 100) {
		want[f.Latest.CodeSHA256] = true
	}
	got, _ := json.Marshal(stored)
	if wanted, _ := json.Marshal(want); string(got) != string(wanted) {
		t.Errorf("stored %s, referred to %s", got, wanted)
	}
}
