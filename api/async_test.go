package api

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/queue"
	"github.com/thawrun/thaw/engine/store"
)

// recorder tells of executions and fails the first ones.
type recorder struct {
	mu    sync.Mutex
	fails int
	calls []string
	done  chan struct{}
}

func (r *recorder) serve(f engine.Function, req *engine.Request, resp *engine.Response) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, fmt.Sprintf("%s %s %s %s %s", f.Version, req.InvokedARN, req.RequestID, req.Event, req.ClientContext))
	r.fails--
	switch {
	case r.fails >= 10: // throttled
		r.fails -= 10
		return &engine.ThrottleError{Reason: engine.ThrottleAccount}
	case r.fails >= 0:
		resp.FunctionError = engine.Unhandled
	default:
		r.done <- struct{}{}
	}
	return nil
}

func (r *recorder) wait(t *testing.T) []string {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(10 * time.Second):
		t.Fatal("no execution")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

func TestAsynchronousInvocations(t *testing.T) {
	x := newFixture(t, func(c *Config) { c.AsyncRetryDelays = []time.Duration{time.Millisecond} })
	r := &recorder{done: make(chan struct{}, 10)}
	x.engine.serve = r.serve
	x.create("f", fields{"Publish": true})
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "live", "FunctionVersion": "1"})

	a := x.invoke("f:live", `{"a": 1}`, "X-Amz-Invocation-Type", "Event", "X-Amz-Client-Context", "eyJiIjogMn0=")
	if a.status != 202 || a.body != "" {
		t.Errorf("%d %q", a.status, a.body)
	}
	want := fmt.Sprintf(`1 %sf:live %s {"a": 1} {"b": 2}`, functionARN, a.header.Get("x-amzn-RequestId"))
	if got := r.wait(t); fmt.Sprint(got) != fmt.Sprint([]string{want}) {
		t.Errorf("%v, want %s", got, want)
	}
	// Failures are repeated under the same id; the caller never learns of them.
	r.fails = 2
	a = x.do("POST", "/2014-11-13/functions/f/invoke-async/", `"old"`)
	if a.status != 202 || a.body != "" || a.header.Get("Content-Type") != contentJSON {
		t.Errorf("%d %q %v", a.status, a.body, a.header)
	}
	want = fmt.Sprintf(`$LATEST %sf %s "old" `, functionARN, a.header.Get("x-amzn-RequestId"))
	if got := r.wait(t); fmt.Sprint(got) != fmt.Sprint([]string{want, want, want}) {
		t.Errorf("%v, want three times %s", got, want)
	}
	x.wantError(x.do("POST", "/2014-11-13/functions/f/invoke-async/", nil), "InvalidRequestContentException", "InvokeArgs")
	x.wantError(x.do("POST", "/2014-11-13/functions/f/invoke-async/", "{"), "InvalidRequestContentException", "json")
	x.wantError(x.do("POST", "/2014-11-13/functions/g/invoke-async/", "{}"), "ResourceNotFoundException", "function:g")
	x.wantError(x.invoke("f:none", "{}", "X-Amz-Invocation-Type", "Event"), "ResourceNotFoundException", "f:none")

	// The guide's limit is in force for these alone.
	long := `"` + strings.Repeat("x", 128<<10-2) + `"`
	if a := x.invoke("f", long, "X-Amz-Invocation-Type", "Event"); a.status != 202 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := r.wait(t); len(got) != 1 || !strings.Contains(got[0], long) {
		t.Errorf("%d executions", len(got))
	}
	for x.api.events.Stats() != (queue.Stats{}) {
		time.Sleep(time.Millisecond)
	}
	if err := x.store.Events(func(e *store.Event) { t.Errorf("left: %+v", e) }); err != nil {
		t.Error(err)
	}
}

func TestEventInvokeConfig(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Publish": true})
	const path = "/2019-09-25/functions/f/event-invoke-config"
	x.wantError(x.do("GET", path, nil), "ResourceNotFoundException", "doesn't have an EventInvokeConfig")
	x.wantError(x.do("POST", path, fields{"MaximumRetryAttempts": 1}), "ResourceNotFoundException", "doesn't have an EventInvokeConfig")
	x.wantError(x.do("DELETE", path, nil), "ResourceNotFoundException", "doesn't have an EventInvokeConfig")
	x.wantError(x.do("PUT", path, fields{}), "InvalidParameterValueException", "at least one")
	x.wantError(x.do("PUT", path, fields{"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 5, "DestinationConfig": fields{"OnFailure": fields{"Destination": "x"}}}), "InvalidParameterValueException", "3 validation errors detected")
	x.wantError(x.do("PUT", path, fields{"DestinationConfig": fields{"OnFailure": fields{"Destination": functionARN + "f"}}}), "InvalidParameterValueException", "destination for itself")
	const queueARN = "arn:aws:sqs:us-east-1:123456789012:q"
	a := x.do("PUT", path, fields{"MaximumRetryAttempts": 0, "DestinationConfig": fields{"OnFailure": fields{"Destination": queueARN}}})
	got := decodeInto[asyncShape](t, a.body)
	if a.status != 200 || *got.MaximumRetryAttempts != 0 || got.MaximumEventAgeInSeconds != nil || got.FunctionArn != functionARN+"f:$LATEST" || got.DestinationConfig.OnFailure.Destination != queueARN || got.LastModified < 1e9 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got = decodeInto[asyncShape](t, x.do("POST", path, fields{"MaximumEventAgeInSeconds": 60}).body); *got.MaximumRetryAttempts != 0 || *got.MaximumEventAgeInSeconds != 60 || got.DestinationConfig.OnFailure.Destination != queueARN {
		t.Errorf("%+v", got)
	}
	x.do("PUT", path+"?Qualifier=1", fields{"MaximumRetryAttempts": 1})
	list := decodeInto[struct{ FunctionEventInvokeConfigs []asyncShape }](t, x.do("GET", path+"/list", nil).body).FunctionEventInvokeConfigs
	if len(list) != 2 || list[1].FunctionArn != functionARN+"f:1" {
		t.Errorf("%+v", list)
	}
	for qualifier, want := range map[string]queue.Rules{"": {Retries: 0, MaxAge: time.Minute}, "$LATEST": {Retries: 0, MaxAge: time.Minute}, "1": {Retries: 1, MaxAge: 6 * time.Hour}, "x": queue.DefaultRules()} {
		if got := x.api.asyncRules(&store.Event{Account: "123456789012", Region: "us-east-1", Function: "f", Qualifier: qualifier}); got != want {
			t.Errorf("%q: %+v", qualifier, got)
		}
	}
	// Put replaces, and no retries are none.
	x.do("PUT", path, fields{"MaximumRetryAttempts": 0})
	if got = decodeInto[asyncShape](t, x.do("GET", path, nil).body); got.MaximumEventAgeInSeconds != nil || got.DestinationConfig.OnFailure.Destination != "" {
		t.Errorf("%+v", got)
	}
	if a := x.do("DELETE", path, nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
