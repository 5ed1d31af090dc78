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

func TestLayers(t *testing.T) {
	x := newFixture(t)
	const path = "/2018-10-31/layers"
	const layerARN = "arn:aws:lambda:us-east-1:123456789012:layer:"
	publish := func(name, text string, more fields) layerVersionShape {
		t.Helper()
		in := fields{"Content": fields{"ZipFile": zipOf("python/m.py", text)}, "CompatibleRuntimes": []string{"python3.13"}}
		for k, v := range more {
			in[k] = v
		}
		a := x.do("POST", path+"/"+name+"/versions", in)
		if a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return decodeInto[layerVersionShape](t, a.body)
	}
	one := publish("l", "a = 1", fields{"Description": "first", "LicenseInfo": "MIT"})
	if one.Version != 1 || one.LayerArn != layerARN+"l" || one.LayerVersionArn != layerARN+"l:1" || one.Content.CodeSha256 != store.HashCode(zipOf("python/m.py", "a = 1")) || one.LicenseInfo != "MIT" || one.Description != "first" {
		t.Errorf("%+v", one)
	}
	two := publish("l", "a = 2", nil)
	publish("other", "b = 1", fields{"CompatibleRuntimes": []string{"nodejs20.x"}})
	if a := x.do("GET", strings.TrimPrefix(one.Content.Location, "http://lambda"), nil); a.body != string(zipOf("python/m.py", "a = 1")) {
		t.Errorf("content: %d", a.status)
	}
	for _, p := range []string{path + "/l/versions/1", path + "/arn:aws:lambda:us-east-1:123456789012:layer:l/versions/1", path + "?find=LayerVersion&Arn=" + layerARN + "l:1"} {
		got := decodeInto[layerVersionShape](t, x.do("GET", p, nil).body)
		got.Content.Location, one.Content.Location = "", ""
		if fmt.Sprintf("%+v %+v", got, got.Content) != fmt.Sprintf("%+v %+v", one, one.Content) && got.LayerVersionArn != one.LayerVersionArn {
			t.Errorf("%s: %+v", p, got)
		}
	}
	x.wantError(x.do("GET", path+"/l/versions/3", nil), "ResourceNotFoundException", "does not exist")
	x.wantError(x.do("GET", path+"/l/versions/x", nil), "SerializationException", "Long")
	x.wantError(x.do("GET", path+"?find=LayerVersion&Arn=l", nil), "InvalidParameterValueException", "at 'arn'")
	x.wantError(x.do("POST", path+"/a.b/versions", fields{"LicenseInfo": strings.Repeat("x", 513), "CompatibleRuntimes": []string{"cobol"}}), "InvalidParameterValueException", "4 validation errors detected")
	x.wantError(x.do("POST", path+"/l/versions", fields{"Content": fields{"ZipFile": []byte("x")}}), "InvalidParameterValueException", "Could not unzip")

	layers := decodeInto[struct {
		Layers []struct {
			LayerName             string
			LatestMatchingVersion layerVersionShape
		}
		NextMarker *string
	}](t, x.do("GET", path+"?MaxItems=1", nil).body)
	if len(layers.Layers) != 1 || layers.Layers[0].LatestMatchingVersion.Version != 2 || *layers.NextMarker != "l" {
		t.Errorf("%+v", layers)
	}
	if a := x.do("GET", path+"?CompatibleRuntime=nodejs20.x", nil); strings.Count(a.body, "LayerName") != 1 || !strings.Contains(a.body, `"other"`) {
		t.Errorf("%s", a.body)
	}
	versions := func(query string) string {
		list := decodeInto[struct{ LayerVersions []layerVersionShape }](t, x.do("GET", path+"/l/versions"+query, nil).body)
		text := ""
		for _, v := range list.LayerVersions {
			text += fmt.Sprint(v.Version, " ")
		}
		return text
	}
	if got := versions("") + "|" + versions("?MaxItems=1") + "|" + versions("?Marker=2") + "|" + versions("?CompatibleRuntime=java8"); got != "2 1 |2 |1 |" {
		t.Errorf("%s", got)
	}

	// Functions use them, in order, and go on when they are deleted.
	x.create("f", fields{"Layers": []string{two.LayerVersionArn, layerARN + "other:1"}})
	c := decodeInto[functionConfiguration](t, x.do("GET", functionsPath+"/f/configuration", nil).body)
	if len(c.Layers) != 2 || c.Layers[0].Arn != two.LayerVersionArn || c.Layers[0].CodeSize == 0 {
		t.Errorf("%+v", c.Layers)
	}
	if a := x.do("DELETE", path+"/l/versions/2", nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("GET", path+"/l/versions/2", nil), "ResourceNotFoundException", "does not exist")
	x.invoke("f", "{}")
	zips, err := x.engine.deployed[functionARN+"f:$LATEST"].Layers(t.Context())
	if err != nil || len(zips) != 2 || string(zips[0]) != string(zipOf("python/m.py", "a = 2")) || string(zips[1]) != string(zipOf("python/m.py", "b = 1")) {
		t.Errorf("%d layers, %v", len(zips), err)
	}
	if three := publish("l", "a = 3", nil); three.Version != 3 {
		t.Errorf("number %d is used again", three.Version)
	}
	x.update("f", fields{"Layers": []string{}})
	if c := decodeInto[functionConfiguration](t, x.do("GET", functionsPath+"/f/configuration", nil).body); c.Layers != nil {
		t.Errorf("%+v", c.Layers)
	}
	for _, bad := range [][]string{{layerARN + "l:2"}, {layerARN + "l:1", layerARN + "l:3"}, {"l"}, {"a", "b", "c", "d", "e", "f"}, {"arn:aws:lambda:us-east-1:999999999999:layer:l:1"}} {
		x.wantError(x.do("PUT", functionsPath+"/f/configuration", fields{"Layers": bad}), "InvalidParameterValueException", "ayer")
	}

	// Policies.
	const policy = path + "/l/versions/1/policy"
	x.wantError(x.do("GET", policy, nil), "ResourceNotFoundException", "No policy")
	a := x.do("POST", policy, fields{"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "111122223333"})
	added := decodeInto[struct{ Statement, RevisionId string }](t, a.body)
	if a.status != 201 || added.Statement != `{"Sid":"s","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:GetLayerVersion","Resource":"`+layerARN+`l:1"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("POST", policy, fields{"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}), "ResourceConflictException", "(s)")
	x.wantError(x.do("POST", policy, fields{"StatementId": "t", "Action": "lambda:*", "Principal": "me", "OrganizationId": "x"}), "InvalidParameterValueException", "3 validation errors detected")
	l, _ := x.store.Layer("123456789012", "us-east-1", "l")
	ref := layerRef{account: "123456789012", region: "us-east-1", name: "l", number: 1}
	if !x.api.layerShared(ref, l.Version(1), "111122223333") || x.api.layerShared(ref, l.Version(1), "444455556666") {
		t.Error("the layer is shared with the wrong account")
	}
	x.wantError(x.do("DELETE", policy+"/s?RevisionId=old", nil), "PreconditionFailedException", "RevisionId")
	if a := x.do("DELETE", policy+"/s?RevisionId="+added.RevisionId, nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("DELETE", policy+"/s", nil), "ResourceNotFoundException", "not found")
}

func TestLayersAndCodeTogetherAreLimited(t *testing.T) {
	x := newFixture(t, func(c *Config) { c.Limits.UnzippedSize = 1000 })
	text := strings.Repeat("x", 400)
	for _, name := range []string{"a", "b"} {
		x.do("POST", "/2018-10-31/layers/"+name+"/versions", fields{"Content": fields{"ZipFile": zipOf("m.py", text)}})
	}
	arns := []string{"arn:aws:lambda:us-east-1:123456789012:layer:a:1", "arn:aws:lambda:us-east-1:123456789012:layer:b:1"}
	x.wantError(x.do("POST", functionsPath, creation("f", fields{"Layers": arns, "Code": fields{"ZipFile": zipOf("app.py", text)}})), "InvalidParameterValueException", "combined with layers exceeds the maximum allowed size of 1000 bytes. The actual size is 1200 bytes")
	x.create("f", fields{"Layers": arns[:1], "Code": fields{"ZipFile": zipOf("app.py", text)}})
	x.wantError(x.do("PUT", functionsPath+"/f/configuration", fields{"Layers": arns}), "InvalidParameterValueException", "combined with layers")
	x.wantError(x.do("PUT", functionsPath+"/f/code", fields{"ZipFile": zipOf("app.py", text+text)}), "InvalidParameterValueException", "combined with layers")
}

func TestProvisionedConcurrency(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Publish": true})
	x.update("f", fields{"Timeout": 9})
	x.publish("f", nil)
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "live", "FunctionVersion": "1"})
	path := func(q string) string {
		return "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=" + q
	}
	in := fields{"ProvisionedConcurrentExecutions": 3}
	x.wantError(x.do("PUT", path("%24LATEST"), in), "InvalidParameterValueException", "unpublished")
	x.wantError(x.do("PUT", "/2019-09-30/functions/f/provisioned-concurrency", in), "InvalidParameterValueException", "at 'qualifier'")
	x.wantError(x.do("PUT", path("1"), fields{"ProvisionedConcurrentExecutions": 0}), "InvalidParameterValueException", "greater than or equal to 1")
	x.wantError(x.do("GET", path("1"), nil), "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found")
	a := x.do("PUT", path("live"), in)
	if got := decodeInto[provisionedShape](t, a.body); a.status != 202 || got.Status != "IN_PROGRESS" || got.RequestedProvisionedConcurrentExecutions != 3 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := decodeInto[provisionedShape](t, x.do("GET", path("live"), nil).body); got.Status != "READY" || got.AllocatedProvisionedConcurrentExecutions != 3 {
		t.Errorf("%+v", got)
	}
	if f := x.engine.deployed[functionARN+"f:1"]; f.Prewarm != 3 {
		t.Errorf("%+v", f)
	}
	x.wantError(x.do("PUT", path("1"), in), "ResourceConflictException", "alias")
	// It moves with the alias.
	x.do("PUT", functionsPath+"/f/aliases/live", fields{"FunctionVersion": "2"})
	if one, two := x.engine.deployed[functionARN+"f:1"], x.engine.deployed[functionARN+"f:2"]; one.Prewarm != 0 || two.Prewarm != 3 {
		t.Errorf("%d and %d", one.Prewarm, two.Prewarm)
	}
	list := decodeInto[struct{ ProvisionedConcurrencyConfigs []provisionedShape }](t, x.do("GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL", nil).body)
	if len(list.ProvisionedConcurrencyConfigs) != 1 || list.ProvisionedConcurrencyConfigs[0].FunctionArn != functionARN+"f:live" {
		t.Errorf("%+v", list)
	}
	if a := x.do("DELETE", path("live"), nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if two := x.engine.deployed[functionARN+"f:2"]; two.Prewarm != 0 {
		t.Errorf("%d", two.Prewarm)
	}
}

func TestFunctionURLs(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Publish": true})
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "live", "FunctionVersion": "1"})
	const path = "/2021-10-31/functions/f/url"
	x.wantError(x.do("GET", path, nil), "ResourceNotFoundException", "does not exist")
	x.wantError(x.do("POST", path, fields{}), "InvalidParameterValueException", "authType")
	x.wantError(x.do("POST", path+"?Qualifier=1", fields{"AuthType": "NONE"}), "InvalidParameterValueException", "qualifier")
	a := x.do("POST", path, fields{"AuthType": "NONE", "Cors": fields{"AllowOrigins": []string{"*"}, "MaxAge": 60}})
	one := decodeInto[urlShape](t, a.body)
	if a.status != 201 || one.FunctionArn != functionARN+"f" || one.InvokeMode != "BUFFERED" || string(one.Cors) != `{"AllowOrigins":["*"],"MaxAge":60}` || !strings.HasSuffix(one.FunctionUrl, ".lambda-url.us-east-1.on.aws/") {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("POST", path, fields{"AuthType": "NONE"}), "ResourceConflictException", "exists")
	x.do("POST", path+"?Qualifier=live", fields{"AuthType": "AWS_IAM"})
	if got := decodeInto[urlShape](t, x.do("PUT", path, fields{"AuthType": "AWS_IAM"}).body); got.AuthType != "AWS_IAM" || got.FunctionUrl != one.FunctionUrl || string(got.Cors) != string(one.Cors) {
		t.Errorf("%+v", got)
	}
	if a := x.do("GET", path+"s", nil); strings.Count(a.body, "FunctionUrl\"") != 2 {
		t.Errorf("%s", a.body)
	}
	if a := x.do("DELETE", path, nil); a.status != 204 {
		t.Errorf("%d", a.status)
	}
	x.wantError(x.do("PUT", path, fields{"AuthType": "NONE"}), "ResourceNotFoundException", "does not exist")

	const runtime = "/2021-07-20/functions/f/runtime-management-config"
	if a := x.do("GET", runtime, nil); a.body != `{"UpdateRuntimeOn":"Auto","RuntimeVersionArn":null,"FunctionArn":"`+functionARN+`f:$LATEST"}` {
		t.Errorf("%s", a.body)
	}
	x.wantError(x.do("PUT", runtime, fields{"UpdateRuntimeOn": "Manual"}), "InvalidParameterValueException", "RuntimeVersionArn is required")
	x.wantError(x.do("PUT", runtime, fields{"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:other"}), "InvalidParameterValueException", "not available")
	if a := x.do("PUT", runtime, fields{"UpdateRuntimeOn": "FunctionUpdate"}); a.status != 200 || !strings.Contains(x.do("GET", runtime, nil).body, "FunctionUpdate") {
		t.Errorf("%d %s", a.status, a.body)
	}
	const recursion = "/2024-08-31/functions/f/recursion-config"
	if a := x.do("PUT", recursion, fields{"RecursiveLoop": "Allow"}); a.status != 200 || x.do("GET", recursion, nil).body != `{"RecursiveLoop":"Allow"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
}
