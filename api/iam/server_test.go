package iam

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/audit"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

// stub is an engine that answers with what it was asked.
type stub struct {
	mu       sync.Mutex
	deployed map[string]engine.Function
}

func (e *stub) Deploy(_ context.Context, f engine.Function) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deployed[f.Key] = f
	return f.Revision, nil
}

func (e *stub) Deployed(key string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f, ok := e.deployed[key]
	return f.Revision, ok
}

func (e *stub) Remove(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.deployed, key)
}

func (e *stub) Invoke(ctx context.Context, req *engine.Request, resp *engine.Response) error {
	e.mu.Lock()
	f, ok := e.deployed[req.Function]
	e.mu.Unlock()
	if !ok {
		return engine.ErrNotFound
	}
	if f.Credentials != nil {
		if _, err := f.Credentials(ctx); err != nil {
			return err
		}
	}
	resp.ExecutedVersion, resp.Payload = f.Version, append(resp.Payload, "{}"...)
	return nil
}

func (e *stub) Runtimes() []engine.RuntimeInfo {
	return []engine.RuntimeInfo{{Runtime: "python3.13", Guest: "CPython", Ready: true}}
}

// lambda is the Lambda API with identities in front.
type lambda struct {
	*fixture
	server *api.Server
	mu     sync.Mutex
	events []*audit.Event
}

func newLambda(t *testing.T) *lambda {
	t.Helper()
	x := &lambda{fixture: newFixture(t)}
	st, err := store.Open(t.TempDir(), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	limits, err := api.LimitsPreset("guide")
	if err != nil {
		t.Fatal(err)
	}
	record := func(e *audit.Event) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.events = append(x.events, e)
	}
	x.open(func(c *Config) { c.Storage, c.Audit = st.Bucket("iam"), record })
	server, err := api.New(api.Config{
		Engine: &stub{deployed: map[string]engine.Function{}}, Store: st, Region: "eu-west-1", Account: accountA, Accounts: x.s.Hosts, Limits: limits, Auth: x.s, Doors: []api.Door{x.s},
		RoleCredentials: x.s.FunctionCredentials, Audit: record,
	})
	if err != nil {
		t.Fatal(err)
	}
	x.server = server
	ln := fasthttputil.NewInmemoryListener()
	go func() { _ = server.Serve(ln) }()
	x.client = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() }}}
	t.Cleanup(func() {
		x.client.CloseIdleConnections()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// send sends a signed request to Lambda. The path goes out as it is.
func (x *lambda) send(c creds, method, path, body string) (status int, kind, message, answer string) {
	x.t.Helper()
	r, err := http.NewRequest(method, x.url()+path, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	h := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret, SessionToken: c.token}, r, hex.EncodeToString(h[:]), "lambda", "eu-west-1", x.now); err != nil {
		x.t.Fatal(err)
	}
	resp, err := x.client.Do(r)
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	var m map[string]any
	_ = json.Unmarshal(b, &m)
	for _, key := range []string{"message", "Message"} {
		if s, ok := m[key].(string); ok {
			message = s
		}
	}
	return resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), message, string(b)
}

func (x *lambda) taken() []*audit.Event {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := x.events
	x.events = nil
	return all
}

func zipped(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("app.py")
	if err == nil {
		_, err = f.Write([]byte("def handler(e, c): return e"))
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

const (
	fnARN     = "arn:aws:lambda:eu-west-1:" + accountA + ":function:f"
	workerARN = "arn:aws:iam::" + accountA + ":role/worker"
)

func createBody(t *testing.T, name string) string {
	return `{"FunctionName":"` + name + `","Runtime":"python3.13","Handler":"app.handler","Role":"` + workerARN + `","Code":{"ZipFile":"` + zipped(t) + `"}}`
}

// calls is every operation of the guide, and some of today's, with the permission that it needs (rows PERM-01…27).
func calls(t *testing.T) []struct{ name, method, path, body, action, resource string } {
	const v, f = "/2015-03-31", "/2015-03-31/functions/f"
	const mapping = "11111111-2222-3333-4444-555555555555"
	return []struct{ name, method, path, body, action, resource string }{
		{"AddPermission", "POST", f + "/policy", `{"StatementId":"1","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}`, "lambda:AddPermission", fnARN},
		{"AddPermission, qualified", "POST", f + "/policy?Qualifier=1", `{"StatementId":"1","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}`, "lambda:AddPermission", fnARN + ":1"},
		{"CreateAlias", "POST", f + "/aliases", `{"Name":"a","FunctionVersion":"1"}`, "lambda:CreateAlias", fnARN},
		{"CreateEventSourceMapping", "POST", v + "/event-source-mappings", `{"FunctionName":"f","EventSourceArn":"arn:aws:kinesis:eu-west-1:` + accountA + `:stream/s","StartingPosition":"LATEST"}`, "lambda:CreateEventSourceMapping", "*"},
		{"CreateFunction", "POST", v + "/functions", createBody(t, "g"), "lambda:CreateFunction", strings.TrimSuffix(fnARN, "f") + "g"},
		{"DeleteAlias", "DELETE", f + "/aliases/a", "", "lambda:DeleteAlias", fnARN},
		{"DeleteEventSourceMapping", "DELETE", v + "/event-source-mappings/" + mapping, "", "lambda:DeleteEventSourceMapping", "arn:aws:lambda:eu-west-1:" + accountA + ":event-source-mapping:" + mapping},
		{"DeleteFunction", "DELETE", f + "-nowhere", "", "lambda:DeleteFunction", fnARN + "-nowhere"},
		{"GetAlias", "GET", f + "/aliases/a", "", "lambda:GetAlias", fnARN},
		{"GetEventSourceMapping", "GET", v + "/event-source-mappings/" + mapping, "", "lambda:GetEventSourceMapping", "arn:aws:lambda:eu-west-1:" + accountA + ":event-source-mapping:" + mapping},
		{"GetFunction", "GET", f, "", "lambda:GetFunction", fnARN},
		{"GetFunction, of nothing", "GET", f + "-nowhere", "", "lambda:GetFunction", fnARN + "-nowhere"},
		{"GetFunction, by ARN", "GET", v + "/functions/" + strings.ReplaceAll(fnARN, ":", "%3A"), "", "lambda:GetFunction", fnARN},
		{"GetFunctionConfiguration", "GET", f + "/configuration", "", "lambda:GetFunctionConfiguration", fnARN},
		{"GetPolicy", "GET", f + "/policy", "", "lambda:GetPolicy", fnARN},
		{"Invoke", "POST", f + "/invocations", "{}", "lambda:InvokeFunction", fnARN},
		{"Invoke, qualified", "POST", f + "/invocations?Qualifier=%24LATEST", "{}", "lambda:InvokeFunction", fnARN + ":$LATEST"},
		{"Invoke, qualified by name", "POST", v + "/functions/f%3A1/invocations", "{}", "lambda:InvokeFunction", fnARN + ":1"},
		{"InvokeAsync", "POST", "/2014-11-13/functions/f/invoke-async/", "{}", "lambda:InvokeFunction", fnARN},
		{"ListAliases", "GET", f + "/aliases", "", "lambda:ListAliases", fnARN},
		{"ListEventSourceMappings", "GET", v + "/event-source-mappings/", "", "lambda:ListEventSourceMappings", "*"},
		{"ListFunctions", "GET", v + "/functions/", "", "lambda:ListFunctions", "*"},
		{"ListVersionsByFunction", "GET", f + "/versions", "", "lambda:ListVersionsByFunction", fnARN},
		{"PublishVersion", "POST", f + "/versions", "{}", "lambda:PublishVersion", fnARN},
		{"RemovePermission", "DELETE", f + "/policy/1", "", "lambda:RemovePermission", fnARN},
		{"UpdateAlias", "PUT", f + "/aliases/a", `{"FunctionVersion":"1"}`, "lambda:UpdateAlias", fnARN},
		{"UpdateEventSourceMapping", "PUT", v + "/event-source-mappings/" + mapping, "{}", "lambda:UpdateEventSourceMapping", "arn:aws:lambda:eu-west-1:" + accountA + ":event-source-mapping:" + mapping},
		{"UpdateFunctionCode", "PUT", f + "/code", `{"ZipFile":"` + zipped(t) + `"}`, "lambda:UpdateFunctionCode", fnARN},
		{"UpdateFunctionConfiguration", "PUT", f + "/configuration", `{"Timeout":4}`, "lambda:UpdateFunctionConfiguration", fnARN},
		{"GetAccountSettings", "GET", "/2016-08-19/account-settings", "", "lambda:GetAccountSettings", "*"},
		{"ListTags", "GET", "/2017-03-31/tags/" + strings.ReplaceAll(fnARN, ":", "%3A"), "", "lambda:ListTags", fnARN},
		{"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/f/concurrency", `{"ReservedConcurrentExecutions":1}`, "lambda:PutFunctionConcurrency", fnARN},
		{"PublishLayerVersion", "POST", "/2018-10-31/layers/l/versions", `{"Content":{"ZipFile":"` + zipped(t) + `"}}`, "lambda:PublishLayerVersion", "arn:aws:lambda:eu-west-1:" + accountA + ":layer:l"},
		{"GetLayerVersion", "GET", "/2018-10-31/layers/l/versions/1", "", "lambda:GetLayerVersion", "arn:aws:lambda:eu-west-1:" + accountA + ":layer:l:1"},
		{"GetLayerVersionByArn", "GET", "/2018-10-31/layers?find=LayerVersion&Arn=arn%3Aaws%3Alambda%3Aeu-west-1%3A" + accountA + "%3Alayer%3Al%3A1", "", "lambda:GetLayerVersion", "arn:aws:lambda:eu-west-1:" + accountA + ":layer:l:1"},
		{"ListLayers", "GET", "/2018-10-31/layers", "", "lambda:ListLayers", "*"},
	}
}

// Every operation needs its own permission, for its own resource, whether that exists or not.
func TestPermissions(t *testing.T) {
	x := newLambda(t)
	root := rootOf(accountA)
	ann := x.newUser(root, "ann")
	x.ok(x.iam(root, "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument", trustLambda))
	if status, _, _, body := x.send(root, "POST", "/2015-03-31/functions", createBody(t, "f")); status != 201 {
		t.Fatal(status, body)
	}
	for _, c := range calls(t) {
		t.Run(c.name, func(t *testing.T) {
			grant := func(effect, action, resource string) {
				t.Helper()
				document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
					map[string]any{"Effect": effect, "Action": action, "Resource": resource},
					map[string]any{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
				}})
				if err != nil {
					t.Fatal(err)
				}
				x.ok(x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", string(document)))
			}
			refused := func(why string) {
				t.Helper()
				status, kind, message, _ := x.send(ann, c.method, c.path, c.body)
				want := "User: arn:aws:iam::" + accountA + ":user/ann is not authorized to perform: " + c.action + " on resource: " + c.resource + " " + why
				if status != 403 || kind != "AccessDeniedException" || message != want {
					t.Errorf("%d %s %q, want %q", status, kind, message, want)
				}
			}
			grant("Allow", "s3:*", "*")
			refused("because no identity-based policy allows the " + c.action + " action")
			if c.resource != "*" {
				grant("Allow", c.action, c.resource+"x")
				refused("because no identity-based policy allows the " + c.action + " action")
			}
			grant("Deny", c.action, c.resource)
			refused("with an explicit deny in an identity-based policy")
			grant("Allow", c.action, c.resource)
			if status, kind, message, _ := x.send(ann, c.method, c.path, c.body); status == 403 || status >= 500 {
				t.Errorf("allowed: %d %s %s", status, kind, message)
			}
		})
	}
}

// The guide's form of a mapping's ARN counts as well as today's (row AUTH-10), and lambda:Invoke as lambda:InvokeFunction (AUTH-24).
func TestOtherNames(t *testing.T) {
	x := newLambda(t)
	root := rootOf(accountA)
	ann := x.newUser(root, "ann")
	for resource, c := range map[string][3]string{
		"arn:aws:lambda:eu-west-1:" + accountA + ":event-source-mappings:u": {"GET", "/2015-03-31/event-source-mappings/u", "lambda:GetEventSourceMapping"},
		fnARN: {"POST", "/2015-03-31/functions/f/invocations", "lambda:Invoke"},
	} {
		x.ok(x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"`+c[2]+`","Resource":"`+resource+`"}}`))
		if status, kind, _, _ := x.send(ann, c[0], c[1], ""); status != 404 {
			t.Errorf("%s: %d %s", resource, status, kind)
		}
	}
}

// The fifteen calls that CloudTrail logs are recorded, whether they succeed, fail or are denied; no others are (rows TRAIL-04…21).
func TestAudit(t *testing.T) {
	x := newLambda(t)
	root := rootOf(accountA)
	ann := x.newUser(root, "ann")
	x.ok(x.iam(root, "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument", trustLambda))
	if status, _, _, body := x.send(root, "POST", "/2015-03-31/functions", createBody(t, "f")); status != 201 {
		t.Fatal(status, body)
	}
	events := x.taken()
	created := events[len(events)-1]
	if created.Name != "CreateFunction20150331" || created.ErrorCode != "" || created.Identity.Type != "Root" || created.Account != accountA || !bytes.Contains(created.Response, []byte("FunctionArn")) ||
		!bytes.Contains(created.Body, []byte(`"ZipFile":""`)) || len(created.RequestID) != 36 || created.UserAgent == "" {
		t.Errorf("%+v %s", created, created.Body)
	}
	var names []string
	for _, e := range events[:len(events)-1] {
		names = append(names, e.Source+" "+e.Name)
	}
	if got := strings.Join(names, ", "); got != "iam.amazonaws.com CreateUser, iam.amazonaws.com CreateAccessKey, iam.amazonaws.com CreateRole" {
		t.Error(got)
	}
	logged := map[string]bool{}
	for _, c := range calls(t) {
		for who, c2 := range map[string]creds{"ann": ann, "root": root} {
			status, kind, message, _ := x.send(c2, c.method, c.path, c.body)
			events := x.taken()
			if len(events) == 0 {
				continue
			}
			operation, _, _ := strings.Cut(c.name, ",")
			logged[operation] = true
			e := events[0]
			if len(events) != 1 || !strings.HasPrefix(e.Name, operation+"20150331") || e.Source != "lambda.amazonaws.com" {
				t.Errorf("%s: %d events, %s", c.name, len(events), e.Name)
			}
			switch {
			case who == "ann" && (e.ErrorCode != "AccessDenied" || e.ErrorMessage != message || e.Identity.UserName != "ann" || e.Identity.AccessKeyID != ann.id):
				t.Errorf("%s: %+v", c.name, e)
			case who == "root" && status >= 400 && e.ErrorCode != kind, who == "root" && status < 400 && e.ErrorCode != "":
				t.Errorf("%s: %d %s, %+v", c.name, status, kind, e)
			case who == "root" && strings.Contains(c.path, "/functions/f") && !slices.ContainsFunc(e.Parameters, func(p audit.Parameter) bool { return p.Name == "FunctionName" && strings.HasPrefix(p.Value, "f") }):
				t.Errorf("%s: parameters %v", c.name, e.Parameters)
			}
		}
	}
	var all []string
	for name := range logged {
		all = append(all, name)
	}
	slices.Sort(all)
	if got := strings.Join(all, " "); got != "AddPermission CreateEventSourceMapping CreateFunction DeleteEventSourceMapping DeleteFunction GetEventSourceMapping GetFunction GetFunctionConfiguration GetPolicy ListEventSourceMappings ListFunctions RemovePermission UpdateEventSourceMapping UpdateFunctionCode UpdateFunctionConfiguration" {
		t.Error(got)
	}
}

// Services may invoke what functions' policies let them, for the sources and in the ARN form that these name.
func TestSources(t *testing.T) {
	x := newLambda(t)
	root := rootOf(accountA)
	x.ok(x.iam(root, "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument", trustLambda))
	if status, _, _, body := x.send(root, "POST", "/2015-03-31/functions", createBody(t, "f")); status != 201 {
		t.Fatal(status, body)
	}
	s3 := api.Source{Service: "s3.amazonaws.com", ARN: "arn:aws:s3:::bucket", Account: accountB}
	check := func(arn string, by api.Source, want string) {
		t.Helper()
		got := ""
		if err := x.server.AuthorizeSource(arn, by); err != nil {
			got = err.Error()
		}
		if got != want && (want == "" || !strings.Contains(got, want)) {
			t.Errorf("%s %+v: %q, want %q", arn, by, got, want)
		}
	}
	const refused = "because no resource-based policy allows the lambda:InvokeFunction action"
	check(fnARN, s3, "User: s3.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: "+fnARN+" "+refused)
	permission := `{"StatementId":"1","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","SourceArn":"arn:aws:s3:::bucket","SourceAccount":"` + accountB + `"}`
	if status, _, _, body := x.send(root, "POST", "/2015-03-31/functions/f/policy", permission); status != 201 {
		t.Fatal(status, body)
	}
	check(fnARN, s3, "")
	check(fnARN+":$LATEST", s3, refused)
	check(fnARN, api.Source{Service: "sns.amazonaws.com", ARN: s3.ARN, Account: s3.Account}, refused)
	check(fnARN, api.Source{Service: s3.Service, ARN: s3.ARN + "2", Account: s3.Account}, refused)
	check(fnARN, api.Source{Service: s3.Service, ARN: s3.ARN, Account: accountA}, refused)
	check(fnARN, api.Source{Service: s3.Service}, refused)
	check("f", s3, "InvalidParameterValueException")
}

// A package that nobody signed is not even read.
func TestUnsignedBodiesAreNotRead(t *testing.T) {
	x := newLambda(t)
	large := strings.Repeat("x", 2<<20)
	r, err := http.NewRequest("POST", "http://thaw/2015-03-31/functions", strings.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := x.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("X-Amzn-Errortype"); resp.StatusCode != 413 || kind != "RequestEntityTooLargeException" {
		t.Errorf("%d %s", resp.StatusCode, kind)
	}
	token := x.ok(x.sts(rootOf(accountA), "GetSessionToken")).body
	session := creds{value(token, "AccessKeyId"), value(token, "SecretAccessKey"), value(token, "SessionToken")}
	if status, kind, message, _ := x.send(session, "POST", "/2015-03-31/functions", large); status != 400 {
		t.Errorf("signed by a session: %d %s %s", status, kind, message)
	}
	session.token = "AAAA"
	if status, kind, message, _ := x.send(session, "POST", "/2015-03-31/functions", large); status != 413 {
		t.Errorf("signed by no session: %d %s %s", status, kind, message)
	}
	if status, kind, message, _ := x.send(rootOf(accountA), "POST", "/2015-03-31/functions", large); status != 400 {
		t.Errorf("signed: %d %s %s", status, kind, message)
	}
}

// Signatures are as good behind net/http, and TLS is noticed there.
func TestNetHTTP(t *testing.T) {
	x := newLambda(t)
	front := httptest.NewTLSServer(x.server)
	defer front.Close()
	x.client = front.Client()
	x.client.Transport.(*http.Transport).DialTLSContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return tls.Dial(network, front.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	}
	x.scheme = "https"
	root := rootOf(accountA)
	ann := x.newUser(root, "ann")
	x.ok(x.iam(root, "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument", trustLambda))
	if status, _, _, body := x.send(root, "POST", "/2015-03-31/functions", createBody(t, "f")); status != 201 {
		t.Fatal(status, body)
	}
	x.ok(x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"lambda:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}}`))
	for _, path := range []string{"/2015-03-31/functions/f", "/2015-03-31/functions/" + fnARN, "/2015-03-31/functions/" + strings.ReplaceAll(fnARN, ":", "%3A") + "?Qualifier=%24LATEST"} {
		if status, kind, message, _ := x.send(ann, "GET", path, ""); status != 200 {
			t.Errorf("%s: %d %s %s", path, status, kind, message)
		}
	}
	if status, kind, message, _ := x.send(ann, "POST", "/2015-03-31/functions/f/invocations", `{"a": 1}`); status != 200 {
		t.Errorf("%d %s %s", status, kind, message)
	}
}
