package api

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
	"go.uber.org/goleak"

	"github.com/thawrun/thaw/api/policy"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // sleeps for some seconds after a shutdown
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))    // fasthttp's clock of dates, one per process
}

// fakeEngine keeps what is deployed and answers with serve, after fetching the code as a first start does.
type fakeEngine struct {
	mu       sync.Mutex
	deployed map[string]engine.Function
	deploys  int
	missing  func()                                                         // called once, when a function turns out not to be deployed
	serve    func(engine.Function, *engine.Request, *engine.Response) error // nil: echo
}

func (e *fakeEngine) Deploy(_ context.Context, f engine.Function) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deployed[f.Key] = f
	e.deploys++
	return f.Revision, nil
}

func (e *fakeEngine) Deployed(key string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f, ok := e.deployed[key]
	return f.Revision, ok
}

func (e *fakeEngine) Remove(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.deployed, key)
}

func (e *fakeEngine) Invoke(ctx context.Context, req *engine.Request, resp *engine.Response) error {
	e.mu.Lock()
	f, ok := e.deployed[req.Function]
	serve, missing := e.serve, e.missing
	if !ok {
		e.missing = nil
	}
	e.mu.Unlock()
	if !ok && missing != nil {
		missing()
	}
	if !ok {
		return engine.ErrNotFound
	}
	*resp = engine.Response{RequestID: req.RequestID, ExecutedVersion: f.Version, Payload: resp.Payload[:0], LogTail: resp.LogTail[:0]}
	if serve != nil {
		return serve(f, req, resp)
	}
	resp.Payload = append(resp.Payload, req.Event...)
	return nil
}

func (e *fakeEngine) Runtimes() []engine.RuntimeInfo {
	return []engine.RuntimeInfo{{Runtime: "python3.13", Guest: "cpython", Ready: true}, {Runtime: "python3.12", Guest: "cpython"}}
}

type fixture struct {
	testing.TB
	api    *Server
	engine *fakeEngine
	store  *store.Store
	client *http.Client

	mapping string // UUID of an event source mapping, in some
}

// newFixture serves an API on a listener in memory.
func newFixture(t testing.TB, edit ...func(*Config)) *fixture {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	limits, err := LimitsPreset("guide")
	if err != nil {
		t.Fatal(err)
	}
	x := &fixture{TB: t, engine: &fakeEngine{deployed: map[string]engine.Function{}}, store: st}
	cfg := Config{Engine: x.engine, Store: st, Region: "us-east-1", Account: "123456789012", Limits: limits, Version: "test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, e := range edit {
		e(&cfg)
	}
	if x.api, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- x.api.Serve(ln) }()
	x.client = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() }}}
	t.Cleanup(func() {
		x.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := x.api.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; body is a string, bytes or something that becomes JSON, nil for none.
func (x *fixture) do(method, path string, body any, headers ...string) answer {
	x.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			x.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, "http://lambda"+path, r)
	if err != nil {
		x.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := x.client.Do(req)
	if err != nil {
		x.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		x.Fatal(err)
	}
	if id := resp.Header.Get("x-amzn-RequestId"); !uuidForm.MatchString(id) {
		x.Errorf("%s %s: request id %q", method, path, id)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

const functionsPath = "/2015-03-31/functions"

type fields = map[string]any

// creation is a valid CreateFunction body with changes; nil removes a field.
func creation(name string, changes fields) fields {
	b := fields{
		"FunctionName": name, "Runtime": "python3.13", "Role": "arn:aws:iam::123456789012:role/service-role/r", "Handler": "app.handler",
		"Code": fields{"ZipFile": zipOf("app.py", name)},
	}
	for k, v := range changes {
		if b[k] = v; v == nil {
			delete(b, k)
		}
	}
	return b
}

func zipOf(name, text string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err == nil {
		_, err = io.WriteString(f, text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (x *fixture) create(name string, changes fields) answer {
	x.Helper()
	a := x.do("POST", functionsPath, creation(name, changes))
	if a.status != 201 {
		x.Fatalf("create %s: %d %s", name, a.status, a.body)
	}
	return a
}

func (x *fixture) invoke(name, event string, headers ...string) answer {
	x.Helper()
	return x.do("POST", functionsPath+"/"+name+"/invocations", event, headers...)
}

// wantError checks an error's name, status, body and headers against the catalogue; the message must contain text.
func (x *fixture) wantError(a answer, name, text string) {
	x.Helper()
	want, ok := catalogue()[name]
	if !ok {
		x.Fatalf("%s is not in the catalogue", name)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		x.Errorf("%d %q: %v", a.status, a.body, err)
		return
	}
	message, _ := body[want.messageKey].(string)
	fault, _ := body["Type"].(string)
	if a.status != want.Status || a.header.Get("x-amzn-ErrorType") != name || fault != want.Fault || !strings.Contains(message, text) || a.header.Get("Content-Type") != contentJSON {
		x.Errorf("got %d %s %s, want %s with %q", a.status, a.header.Get("x-amzn-ErrorType"), a.body, name, text)
	}
}

func decodeInto[T any](t testing.TB, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestConfigRefusals(t *testing.T) {
	for _, cfg := range []Config{{Account: "1", Region: "us-east-1"}, {Account: "123456789012", Region: "here"}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("account %q and region %q pass", cfg.Account, cfg.Region)
		}
	}
}

func TestHealth(t *testing.T) {
	x := newFixture(t)
	a := x.do("GET", "/healthz", nil)
	const want = `{"status":"ok","version":"test","runtimes":[{"name":"python3.13","guest":"cpython","state":"ready"},{"name":"python3.12","guest":"cpython","state":"starting"}]}`
	if a.status != 200 || a.body != want {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// guide is what the Developer Guide says about actions and errors.
func guide(t testing.TB) (g struct {
	Errors []struct {
		Name       string
		HTTPStatus int
	}
	Actions []struct {
		Name, Method, URI string
		StatusCode        int
		Response, Errors  []string
	}
}) {
	t.Helper()
	b, err := os.ReadFile("testdata/guide.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTheGuidesErrors(t *testing.T) {
	all := catalogue()
	g := guide(t)
	if len(g.Errors) != 18 || len(g.Actions) != 24 {
		t.Fatalf("%d errors, %d actions", len(g.Errors), len(g.Actions))
	}
	for _, e := range g.Errors {
		if got, ok := all[e.Name]; !ok || got.Status != e.HTTPStatus {
			t.Errorf("%s is %+v, the guide says %d", e.Name, got, e.HTTPStatus)
		}
	}
	for name, e := range all {
		if e.Name != name || (e.Fault == "Service") != (e.Status >= 500 && name != "UnsupportedOperationException") || e.messageKey != "message" && e.messageKey != "Message" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func TestEveryOperationAnswers(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	for _, op := range operations() {
		path := placeholder.ReplaceAllStringFunc(op.uri, func(p string) string {
			if p == "{Resource}" {
				return "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af"
			}
			return "f"
		})
		if op.name == "DeleteFunction" {
			path += "-not-there"
		}
		for _, path := range []string{path, strings.Replace(path, "?", "/?", 1), strings.TrimSuffix(path, "/") + "/"} {
			if strings.Contains(op.uri, "?") && strings.HasSuffix(path, "/") {
				continue
			}
			a := x.do(op.method, path, "{}")
			kind := a.header.Get("x-amzn-ErrorType")
			switch {
			case op.run == nil:
				x.wantError(a, "UnsupportedOperationException", op.name+" is not supported")
			case kind == "UnsupportedOperationException" || kind == "UnknownOperationException" || kind == "MethodNotAllowedException" || a.status >= 500:
				t.Errorf("%s: %s %s answers %d %s", op.name, op.method, path, a.status, a.body)
			}
		}
	}
	x.wantError(x.do("GET", "/", nil), "UnknownOperationException", "no operation")
	x.wantError(x.do("GET", functionsPath+"//configuration", nil), "UnknownOperationException", "no operation")
	x.wantError(x.do("PATCH", functionsPath+"/f", nil), "MethodNotAllowedException", "PATCH")
	routes := newRouter(operations())
	for _, action := range guide(t).Actions {
		op, _, _ := routes.find(action.Method, placeholder.ReplaceAllString(action.URI, "f"), "")
		if op == nil || op.name != action.Name {
			t.Errorf("%s %s leads to %+v, not to %s", action.Method, action.URI, op, action.Name)
		}
	}
}

// The tables agree with the service model that boto3 brings, where it is installed.
func TestBotocoreModel(t *testing.T) {
	const script = `
import json, botocore.loaders
m = botocore.loaders.create_loader().load_service_model("lambda", "service-2")
print(json.dumps({
  "operations": {n: [o["http"]["method"], o["http"]["requestUri"].replace("+}", "}")] for n, o in m["operations"].items()},
  "errors": {n: [s["error"]["httpStatusCode"], [k for k in s["members"] if k.lower() == "message"][0]] for n, s in m["shapes"].items() if s.get("exception")},
  "runtimes": m["shapes"]["Runtime"]["enum"]}))`
	out, err := exec.Command("python3", "-c", script).Output()
	if err != nil {
		t.Skip("no botocore")
	}
	m := decodeInto[struct {
		Operations map[string][2]string
		Errors     map[string][2]any
		Runtimes   []string
	}](t, string(out))
	ours := map[string][2]string{}
	for _, op := range operations() {
		ours[op.name] = [2]string{op.method, strings.TrimSuffix(op.uri, "/")}
	}
	for name, want := range m.Operations {
		// Names of parameters don't matter.
		if got := ours[name]; got[0] != want[0] || placeholder.ReplaceAllString(got[1], "{}") != placeholder.ReplaceAllString(strings.TrimSuffix(want[1], "/"), "{}") {
			t.Errorf("%s is %v, the model says %v", name, ours[name], want)
		}
		delete(ours, name)
	}
	for name := range ours {
		t.Logf("%s is not in this model (another version of botocore)", name)
	}
	for name, e := range catalogue() {
		if want, ok := m.Errors[name]; ok && (float64(e.Status) != want[0] || e.messageKey != want[1]) {
			t.Errorf("%s is %+v, the model says %v", name, e, want)
		}
	}
	known := strings.Join(lambdaRuntimes(), " ") + " "
	for _, r := range m.Runtimes {
		if !strings.Contains(known, r+" ") {
			t.Errorf("runtime %s is unknown", r)
		}
	}
}

type authenticator func(*fasthttp.RequestCtx) error

func (a authenticator) Authenticate(ctx *fasthttp.RequestCtx) (*Caller, error) {
	return &Caller{Principal: policy.Principal{Account: "123456789012"}}, a(ctx)
}

func TestAuthenticator(t *testing.T) {
	x := newFixture(t, func(c *Config) {
		c.Auth = authenticator(func(ctx *fasthttp.RequestCtx) error {
			switch string(ctx.Request.Header.Peek("Authorization")) {
			case "good":
				return nil
			case "broken":
				return errors.New("secret detail")
			}
			return fmt.Errorf("wrapped: %w", &Error{Name: "AccessDeniedException", Message: "who are you?"})
		})
	})
	if a := x.do("GET", functionsPath, nil, "Authorization", "good"); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("GET", functionsPath, nil), "AccessDeniedException", "who are you?")
	a := x.do("GET", functionsPath, nil, "Authorization", "broken")
	x.wantError(a, "ServiceException", "internal error")
	if strings.Contains(a.body, "secret") {
		t.Errorf("the client learns %s", a.body)
	}
	if a := x.do("GET", "/healthz", nil); a.status != 200 {
		t.Errorf("health needs credentials: %d", a.status)
	}
}

func TestAPanicIsAnInternalError(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	x.engine.serve = func(engine.Function, *engine.Request, *engine.Response) error { panic("secret detail") }
	a := x.invoke("f", `{}`)
	x.wantError(a, "ServiceException", "internal error")
	if strings.Contains(a.body, "secret") {
		t.Errorf("the client learns %s", a.body)
	}
	x.engine.serve = nil
	if a := x.invoke("f", `{"a": 1}`); a.body != `{"a": 1}` {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}

// Whatever arrives, the server neither fails nor answers without an id; errors are JSON with their type.
func FuzzServe(f *testing.F) {
	f.Add("GET", "/2015-03-31/functions?MaxItems=2&Marker=a", "", "")
	f.Add("POST", "/2015-03-31/functions", "application/json", `{"FunctionName":"g","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},"Role":"arn:aws:iam::123456789012:role/r","Handler":"a.b","Runtime":"python3.13","Timeout":1,"VpcConfig":{}}`)
	f.Add("PUT", "/2015-03-31/functions/f/configuration", "", `{"Environment":{"Variables":{"A_":"b"}},"MemorySize":192,"LoggingConfig":{"LogGroup":"x"}}`)
	f.Add("PUT", "/2015-03-31/functions/f/code", "", `{"ZipFile":"e30=","DryRun":true}`)
	f.Add("POST", "/2015-03-31/functions/f%3A%24LATEST/invocations?Qualifier=%24LATEST", "text/plain", `[1,"\ud800",{"a":null}]`)
	f.Add("DELETE", "/2017-03-31/tags/arn%3aaws%3alambda%3aus-east-1%3a123456789012%3afunction%3af?tagKeys=a", "", "")
	f.Add("GET", "/_thaw/code/%2e?Expires=1&Signature=x", "", "")
	f.Add("PUT", "/2017-10-31/functions/f/concurrency", "", `{"ReservedConcurrentExecutions":3}`)
	f.Add("POST", "/2015-03-31/functions/f/versions", "", `{"CodeSha256":"x","RevisionId":"y"}`)
	f.Add("POST", "/2015-03-31/functions/f/aliases", "", `{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":0.5}}}`)
	f.Add("PUT", "/2015-03-31/functions/f/aliases/PROD", "", `{"FunctionVersion":"$LATEST","RoutingConfig":{}}`)
	f.Add("GET", "/2015-03-31/functions/f/aliases?FunctionVersion=1&Marker=$LATEST:&MaxItems=1", "", "")
	f.Add("POST", "/2015-03-31/functions/f/policy?Qualifier=PROD", "", `{"StatementId":"s","Action":"lambda:*","Principal":"arn:aws:iam::123456789012:root","SourceArn":"arn:aws:s3:::b","FunctionUrlAuthType":"NONE"}`)
	f.Add("DELETE", "/2015-03-31/functions/f/policy/s?RevisionId=x", "", "")
	f.Add("POST", "/2015-03-31/event-source-mappings/", "", `{"FunctionName":"f:PROD","EventSourceArn":"arn:aws:sqs:us-east-1:123456789012:q","BatchSize":20,"MaximumBatchingWindowInSeconds":1,"FilterCriteria":{"Filters":[{"Pattern":"{}"}]},"DestinationConfig":{"OnFailure":{"Destination":""}},"SelfManagedEventSource":{},"Topics":["t"]}`)
	f.Add("PUT", "/2015-03-31/event-source-mappings/x", "", `{"Enabled":false,"SourceAccessConfigurations":[{"Type":"a","URI":"b"}]}`)
	f.Add("GET", "/2015-03-31/event-source-mappings/?FunctionName=f&EventSourceArn=arn%3Aaws%3Asqs%3A%3A%3Aq&Marker=0", "", "")
	f.Add("POST", "/2014-11-13/functions/f/invoke-async/", "", `{"a":1}`)
	f.Add("POST", "/2018-10-31/layers/l/versions", "", `{"Content":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},"CompatibleRuntimes":["python3.13"],"LicenseInfo":"x"}`)
	f.Add("GET", "/2018-10-31/layers?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:123456789012:layer:l:1", "", "")
	f.Add("POST", "/2018-10-31/layers/l/versions/1/policy", "", `{"StatementId":"s","Action":"lambda:GetLayerVersion","Principal":"*","OrganizationId":"o-abcdefghij"}`)
	f.Add("DELETE", "/2018-10-31/layers/l/versions/1/policy/s", "", "")
	f.Add("PUT", "/2019-09-25/functions/f/event-invoke-config", "", `{"MaximumRetryAttempts":1,"DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:sqs:us-east-1:123456789012:q"}}}`)
	f.Add("PUT", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1", "", `{"ProvisionedConcurrentExecutions":1}`)
	f.Add("POST", "/2021-10-31/functions/f/url?Qualifier=PROD", "", `{"AuthType":"NONE","Cors":{"AllowMethods":["GET"],"MaxAge":1}}`)
	f.Add("PUT", "/2021-07-20/functions/f/runtime-management-config", "", `{"UpdateRuntimeOn":"Manual","RuntimeVersionArn":"arn:aws:lambda:us-east-1::runtime:cpython"}`)
	f.Add("GET", "/2015-03-31/functions?FunctionVersion=ALL&Marker=f%3A1&MaxItems=1", "", "")
	x := newFixture(f)
	x.create("f", fields{"Publish": true})
	x.do("POST", functionsPath+"/f/aliases", fields{"Name": "PROD", "FunctionVersion": "1"})
	f.Fuzz(func(t *testing.T, method, uri, contentType, body string) {
		if !strings.HasPrefix(uri, "/") || strings.ContainsAny(uri, "\r\n ") {
			return
		}
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetMethod(method)
		ctx.Request.SetRequestURI(uri)
		ctx.Request.Header.SetContentType(contentType)
		ctx.Request.SetBodyString(body)
		x.api.ServeFastHTTP(&ctx)
		status := ctx.Response.StatusCode()
		if status == 500 {
			t.Errorf("%s %s %q: %s", method, uri, body, ctx.Response.Body())
		}
		if id := ctx.Response.Header.Peek("x-amzn-RequestId"); !uuidForm.Match(id) {
			t.Errorf("%s %s: request id %q", method, uri, id)
		}
		if status >= 400 && (!json.Valid(ctx.Response.Body()) || len(ctx.Response.Header.Peek("x-amzn-ErrorType")) == 0) {
			t.Errorf("%s %s: %d %s", method, uri, status, ctx.Response.Body())
		}
	})
}

// What is no HTTP, or too much of it, is answered in the API's form too.
func TestUnreadableRequests(t *testing.T) {
	x := newFixture(t)
	ln := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- x.api.Serve(ln) }()
	defer func() {
		if err := errors.Join(x.api.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	}()
	for name, text := range map[string]string{
		"not HTTP":        "hello\r\n\r\n",
		"endless headers": "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"two lengths":     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"no length":       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
	} {
		c, err := ln.Dial()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(c, text) }()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || !uuidForm.MatchString(resp.Header.Get("x-amzn-RequestId")) {
			t.Errorf("%s: %v, %v", name, err, resp.Header)
		}
		x.wantError(answer{resp.StatusCode, resp.Header, string(body)}, "InvalidRequestContentException", "could not be read")
		_ = c.Close()
	}
}
