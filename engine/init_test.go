package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/engine"
)

// Loading is limited by the Init phase's time, or by the function's own if that is longer.
func TestInitTimeout(t *testing.T) {
	e := newEngine(t, engine.Config{InitTimeout: 200 * time.Millisecond})
	f := function(t, "import time\ntime.sleep(0.5)\ndef handler(event, context): return 1")
	f.Timeout = time.Minute
	deploy(t, e, f)
	wantPayload(t, invoke(t, e, "{}"), "1")

	f.Timeout, f.Revision = 50*time.Millisecond, "short"
	deploy(t, e, f)
	if r := invoke(t, e, "{}"); r.FunctionError == engine.Succeeded || !strings.Contains(string(r.Payload), "timed out") {
		t.Errorf("%s %s", r.FunctionError, r.Payload)
	}
}
