package e2e

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/runtimes/nodejs"
)

// However an invocation with open sockets ends, nothing of it is left: in an engine of our own, where one can look.
func TestSocketsLeaveNothing(t *testing.T) {
	u := newUpstream(t)
	rules, err := egress.ParseRules("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no /proc: ", err)
		}
		return len(list)
	}
	running := goleak.IgnoreCurrent()
	e, err := engine.New(t.Context(), engine.Config{
		Guests: []*abi.Guest{nodejs.Guest()}, CacheDir: cache, Concurrency: -1, Egress: egress.Config{Allow: rules},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Ready(t.Context(), "nodejs20.x"); err != nil {
		t.Fatal(err)
	}
	before := descriptors()
	code := engine.Zip(zipOf(t, map[string]string{"index.js": `
const net = require('net'), tls = require('tls'), dns = require('dns');
exports.handler = ({ mode }) => new Promise((resolve) => {
  const n = 20;
  let open = 0;
  const opened = (s) => {
    s.write('x'.repeat(1000));
    if (++open < n) return;
    if (mode === 'leave') resolve(open);
    if (mode === 'throw') throw new Error('boom');
    if (mode === 'exit') process.exit(1);
  };
  for (let i = 0; i < n; i++) {
    const s = i % 2 ? net.connect(process.env.MUTE, '127.0.0.1', () => opened(s))
      : tls.connect({ port: process.env.HTTPS, host: '127.0.0.1', rejectUnauthorized: false }, () => opened(s));
    s.on('error', () => {});
  }
  if (mode === 'hang') dns.lookup('no-such-host.invalid', () => {});
});`}))
	for isolation := range engine.IsolationRequest + 1 {
		key := fmt.Sprint(isolation)
		_, err := e.Deploy(t.Context(), engine.Function{
			Key: key, Name: "f" + key, Runtime: "nodejs20.x", Handler: "index.handler", MemoryMB: 256, Timeout: 30 * time.Second, Reserved: -1,
			Isolation: isolation, Code: code, Env: map[string]string{"MUTE": port(u.mute), "HTTPS": port(u.https.URL)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for _, key := range []string{"0", "1"} {
		for _, mode := range []string{"leave", "throw", "exit", "hang"} {
			wg.Go(func() {
				for range 3 {
					ctx, cancel := t.Context(), context.CancelFunc(func() {})
					if mode == "hang" {
						ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
					}
					var r engine.Response
					err := e.Invoke(ctx, &engine.Request{Function: key, Event: []byte(`{"mode":"` + mode + `"}`)}, &r)
					cancel()
					if (err != nil) != (mode == "hang") || (r.FunctionError == engine.Succeeded) != (mode == "leave" || mode == "hang") {
						t.Errorf("%s: %v, %s %.200s", mode, err, r.FunctionError, r.Payload)
					}
				}
			})
		}
	}
	wg.Wait()
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The servers of this test have goroutines and descriptors too, until they notice.
	u.https.CloseClientConnections()
	goleak.VerifyNone(t, running, goleak.IgnoreAnyFunction("net/http.(*conn).serve"), goleak.IgnoreAnyFunction("github.com/thawrun/thaw/cmd/e2e.listener.func1.1"))
	for limit := time.Now().Add(10 * time.Second); descriptors() > before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d descriptors, %d before", descriptors(), before)
		}
	}
}
