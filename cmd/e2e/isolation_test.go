package e2e

import (
	"encoding/json"
	"testing"
)

// A function may ask for a fresh start at every invocation, by a tag.
func TestIsolationTag(t *testing.T) {
	s := serve(t, dataDir(t))
	code := zipOf(t, map[string]string{"app.py": "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n\n"})
	s.mustCreate("counter", "app.handler", code, map[string]any{"Tags": map[string]string{"thaw:isolation": "request"}})
	count := func(want string) {
		t.Helper()
		if a := s.invoke("counter", `{}`, nil); a.body != want {
			t.Errorf("counted %s, want %s", a.body, want)
		}
	}
	count("1")
	count("1")
	const tags = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Acounter"
	if a := s.http("DELETE", tags+"?tagKeys=thaw%3Aisolation", nil, nil); a.status != 204 {
		t.Errorf("untag: %d %s", a.status, a.body)
	}
	count("1")
	count("2")
	body, err := json.Marshal(map[string]any{"Tags": map[string]string{"thaw:isolation": "sometimes"}})
	if err != nil {
		t.Fatal(err)
	}
	wantException(t, s.http("POST", tags, nil, body), 400, "InvalidParameterValueException", "thaw:isolation must be request or instance")
}
