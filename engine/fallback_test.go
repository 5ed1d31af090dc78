package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/internal/testguest"
)

// call runs a command of the test guest and returns its number.
func call(t *testing.T, e *engine.Engine, event []byte) (uint32, *engine.Response) {
	t.Helper()
	var resp engine.Response
	if err := e.Invoke(t.Context(), &engine.Request{Function: "fn", Event: event}, &resp); err != nil {
		t.Fatal(err)
	}
	if resp.FunctionError != engine.Succeeded {
		return 0, &resp
	}
	return binary.LittleEndian.Uint32(resp.Payload), &resp
}

// A guest whose state is not all in memory can't be snapshotted: it runs all the same, each instance from its own start.
func TestGuestsThatCannotBeSnapshotted(t *testing.T) {
	const value = 0x01020304
	for name, c := range map[string]struct {
		module        *testguest.Module
		reason        string
		read, destroy []byte
		want          uint32
	}{
		"table":        {testguest.Mutating(), "changes a table", testguest.Cmd('v', 1), testguest.Cmd('m', 1), 77},
		"passive data": {testguest.WithPassiveData(), "drops a data segment", testguest.Cmd('p', 5000), testguest.Cmd('q'), value},
		"no trust":     {untrusted(testguest.Mutating()), "changes a table", testguest.Cmd('v', 1), testguest.Cmd('m', 1), 77},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			e, err := engine.New(t.Context(), engine.Config{Guests: []*abi.Guest{testguest.Guest(c.module)}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close(t.Context())
			f := engine.Function{Key: "fn", Runtime: "test", Reserved: -1, Timeout: 200 * time.Millisecond, Code: engine.Zip(zipOf(t, map[string]string{"x": ""}))}
			deploy(t, e, f)
			for i := uint32(1); i <= 3; i++ { // a warm instance keeps its state
				if v, r := call(t, e, testguest.Cmd('c')); v != i*1001 || r.Report.Cold != (i == 1) {
					t.Errorf("call %d: counter %d, cold %v", i, v, r.Report.Cold)
				}
			}
			if v, r := call(t, e, c.read); v != c.want {
				t.Errorf("got %d: %s", v, r.Payload)
			}
			if v, _ := call(t, e, c.destroy); v != 1 {
				t.Fatalf("not destroyed: %d", v)
			}
			if _, r := call(t, e, c.read); r.FunctionError != engine.Unhandled {
				t.Errorf("after its destruction: %s", r.Payload)
			}
			if v, r := call(t, e, c.read); v != c.want || !r.Report.Cold {
				t.Errorf("a new instance: %d %s", v, r.Payload)
			}
			if _, r := call(t, e, testguest.Cmd('l')); !strings.Contains(string(r.Payload), "timed out") {
				t.Errorf("a loop: %s", r.Payload)
			}
			f.Isolation, f.SnapStart, f.Revision = engine.IsolationRequest, true, "isolated"
			deploy(t, e, f)
			for i := range 3 {
				if v, _ := call(t, e, testguest.Cmd('c')); v != 1001 {
					t.Errorf("isolated call %d: counter %d", i, v)
				}
				if v, _ := call(t, e, c.destroy); v != 1 {
					t.Errorf("isolated call %d: not destroyed: %d", i, v)
				}
				if v, r := call(t, e, c.read); v != c.want {
					t.Errorf("isolated call %d: %d %s", i, v, r.Payload)
				}
			}
			if err := e.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if n := strings.Count(log.String(), "can't be snapshotted"); n != 1 || !strings.Contains(log.String(), c.reason) || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("logged:\n%s", &log)
			}
			if s := e.Stats(); s.Pool.Used != 0 {
				t.Errorf("%d bytes still accounted", s.Pool.Used)
			}
		})
	}
}

func untrusted(m *testguest.Module) *testguest.Module {
	m.Untrusted = true
	return m
}

// One that can't even start is refused when it is prepared, with the reason.
func TestAGuestThatCannotStart(t *testing.T) {
	m := testguest.Mutating()
	m.Funcs[0].Body = testguest.Assemble(0, "unreachable")
	e, err := engine.New(t.Context(), engine.Config{Guests: []*abi.Guest{testguest.Guest(m)}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	if err := e.Ready(t.Context(), "test"); err == nil || errors.Is(err, engine.ErrStarting) || !strings.Contains(err.Error(), "_initialize") {
		t.Errorf("got %v", err)
	}
}
