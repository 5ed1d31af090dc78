package engine_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thawrun/thaw/engine"
)

// minter numbers the credentials that it gives out.
func minter(calls *atomic.Int64, life time.Duration) func(context.Context) (engine.Credentials, error) {
	return func(context.Context) (engine.Credentials, error) {
		n := strconv.FormatInt(calls.Add(1), 10)
		now := time.Now()
		return engine.Credentials{AccessKeyID: "ASIA" + n, SecretAccessKey: "secret" + n, SessionToken: "token" + n, Issued: now, Expires: now.Add(life)}, nil
	}
}

const showCredentials = `
import os
def get(): return [os.environ.get("AWS_" + k) for k in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
loaded, calls = get(), 0
def handler(event, context):
    global calls
    calls += 1
    return [loaded, get(), calls]`

func TestCredentials(t *testing.T) {
	e := newEngine(t, engine.Config{})
	var calls atomic.Int64
	f := function(t, showCredentials)
	f.Credentials = minter(&calls, time.Hour)
	deploy(t, e, f)
	first := `["ASIA1", "secret1", "token1"]`
	wantPayload(t, invoke(t, e, `{}`), "["+first+", "+first+", 1]")
	wantPayload(t, invoke(t, e, `{}`), "["+first+", "+first+", 2]")
	if n := calls.Load(); n != 1 {
		t.Errorf("credentials were asked for %d times", n)
	}
}

// An instance whose credentials run out is replaced by one with new ones.
func TestCredentialsAreRenewed(t *testing.T) {
	e := newEngine(t, engine.Config{})
	var calls atomic.Int64
	f := function(t, showCredentials)
	f.Credentials = minter(&calls, time.Minute) // less than what must be left for an invocation
	deploy(t, e, f)
	for n := 1; n <= 2; n++ {
		r := invoke(t, e, `{}`)
		if !r.Report.Cold || !strings.HasSuffix(string(r.Payload), ", 1]") {
			t.Errorf("call %d: %s, cold %v", n, r.Payload, r.Report.Cold)
		}
	}
}

// What a snapshot is made of has seen no credentials; its clones have them nevertheless, each time new ones.
func TestSnapshotsHoldNoCredentials(t *testing.T) {
	for name, isolation := range map[string]engine.Isolation{"SnapStart": engine.IsolationInstance, "per request": engine.IsolationRequest} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, engine.Config{})
			var calls atomic.Int64
			f := function(t, showCredentials)
			f.Credentials, f.SnapStart, f.Isolation = minter(&calls, time.Hour), true, isolation
			deploy(t, e, f)
			for range 2 {
				r := invoke(t, e, `{}`)
				if !strings.HasPrefix(string(r.Payload), `[[null, null, null], ["ASIA1", "secret1", "token1"], `) {
					t.Errorf("%s", r.Payload)
				}
			}
		})
	}
}

// A function that can't be loaded without credentials is loaded with them, and has no snapshot.
func TestLoadingThatNeedsCredentials(t *testing.T) {
	e := newEngine(t, engine.Config{})
	var calls atomic.Int64
	f := function(t, "import os\nkey = os.environ['AWS_ACCESS_KEY_ID']\ndef handler(event, context): return key")
	f.Credentials, f.SnapStart = minter(&calls, time.Hour), true
	deploy(t, e, f)
	for range 2 {
		wantPayload(t, invoke(t, e, `{}`), `"ASIA1"`)
	}
}

func TestNoCredentials(t *testing.T) {
	e := newEngine(t, engine.Config{})
	f := function(t, showCredentials)
	f.Credentials = func(context.Context) (engine.Credentials, error) { return engine.Credentials{}, nil }
	deploy(t, e, f)
	wantPayload(t, invoke(t, e, `{}`), `[[null, null, null], [null, null, null], 1]`)

	refused := errors.New("no such role")
	f.Revision, f.Credentials = "2", func(context.Context) (engine.Credentials, error) { return engine.Credentials{}, refused }
	deploy(t, e, f)
	var resp engine.Response
	if err := e.Invoke(t.Context(), &engine.Request{Function: "fn"}, &resp); !errors.Is(err, refused) {
		t.Errorf("%v, %s", err, resp.Payload)
	}
}
