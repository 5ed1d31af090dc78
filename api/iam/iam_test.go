package iam

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
	"go.uber.org/goleak"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/policy"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// memory is a Storage that forgets.
type memory struct {
	mu   sync.Mutex
	all  map[string][]byte
	fail error
}

func (m *memory) Load(each func(string, []byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, v := range m.all {
		if err := each(k, v); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Commit(_ context.Context, changes map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.all == nil {
		m.all = map[string][]byte{}
	}
	for k, v := range changes {
		if m.all[k] = v; v == nil {
			delete(m.all, k)
		}
	}
	return nil
}

const (
	accountA = "123456789012"
	accountB = "210987654321"
	function = "arn:aws:lambda:us-east-1:" + accountA + ":function:f"

	trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allowInvoke = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}]}`
	allowAll    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

func trust(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}]}`
}

// creds are a client's credentials.
type creds struct{ id, secret, token string }

// fixture is a service behind HTTP. What isn't for IAM or STS is authorised as lambda:InvokeFunction on function.
type fixture struct {
	t       *testing.T
	s       *Service
	storage *memory
	client  *http.Client
	now     time.Time
	log     *strings.Builder
	scheme  string // https; empty = http
}

func (x *fixture) url() string { return cmp.Or(x.scheme, "http") + "://thaw" }

func rootOf(account string) creds {
	return creds{"AKIAROOT" + account, "secret-of-the-root-user-" + account, ""}
}

func newFixture(t *testing.T, edit ...func(*Config)) *fixture {
	t.Helper()
	x := &fixture{t: t, storage: &memory{}, now: time.Now().Truncate(time.Second), log: &strings.Builder{}}
	x.open(edit...)
	ln := fasthttputil.NewInmemoryListener()
	server := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.Set("X-Amzn-Requestid", "request-1")
		if x.s.Serve(ctx) {
			return
		}
		c, err := x.s.Authenticate(ctx)
		if err == nil {
			err = x.s.Authorize(ctx, c, &api.Access{Actions: []string{"lambda:InvokeFunction", "lambda:Invoke"}, Resource: function, ResourceAccount: accountA})
		}
		if err != nil {
			ctx.Error(err.Error(), 403)
		}
	}}
	go func() { _ = server.Serve(ln) }()
	x.client = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() }}}
	t.Cleanup(func() {
		x.client.CloseIdleConnections()
		_ = server.Shutdown()
	})
	return x
}

// open makes the service of what is stored.
func (x *fixture) open(edit ...func(*Config)) {
	x.t.Helper()
	c := Config{
		Storage: x.storage, Region: "eu-west-1", SessionKey: []byte(strings.Repeat("k", 32)), Now: func() time.Time { return x.now },
		Logger: slog.New(slog.NewTextHandler(x.log, nil)),
	}
	for _, a := range []string{accountA, accountB} {
		r := rootOf(a)
		c.Roots = append(c.Roots, Root{a, r.id, r.secret})
	}
	for _, e := range edit {
		e(&c)
	}
	s, err := New(c)
	if err != nil {
		x.t.Fatal(err)
	}
	x.s = s
}

type answer struct {
	status     int
	body, code string
	message    string
}

// do sends a signed request.
func (x *fixture) do(c creds, service, region, method, path, body, contentType string) answer {
	x.t.Helper()
	r, err := http.NewRequest(method, x.url()+path, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	h := sha256.Sum256([]byte(body))
	if c.id != "" {
		if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret, SessionToken: c.token}, r, hex.EncodeToString(h[:]), service, region, x.now); err != nil {
			x.t.Fatal(err)
		}
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
	a := answer{status: resp.StatusCode, body: string(b)}
	var e struct {
		Error struct{ Type, Code, Message string }
	}
	if xml.Unmarshal(b, &e) == nil {
		a.code, a.message = e.Error.Code, e.Error.Message
	}
	return a
}

func form(action, version string, parameters []string) string {
	v := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i < len(parameters); i += 2 {
		v.Set(parameters[i], parameters[i+1])
	}
	return v.Encode()
}

const formType = "application/x-www-form-urlencoded; charset=utf-8"

func (x *fixture) iam(c creds, action string, parameters ...string) answer {
	x.t.Helper()
	return x.do(c, "iam", "us-east-1", "POST", "/", form(action, versionIAM, parameters), formType)
}

func (x *fixture) sts(c creds, action string, parameters ...string) answer {
	x.t.Helper()
	return x.do(c, "sts", "eu-west-1", "POST", "/", form(action, versionSTS, parameters), formType)
}

func (x *fixture) invoke(c creds) answer {
	x.t.Helper()
	return x.do(c, "lambda", "eu-west-1", "POST", "/2015-03-31/functions/f/invocations", "{}", "application/json")
}

// ok wants success.
func (x *fixture) ok(a answer) answer {
	x.t.Helper()
	if a.status != 200 || a.code != "" {
		x.t.Fatalf("%d %s", a.status, a.body)
	}
	return a
}

// refused wants an error.
func (x *fixture) refused(a answer, status int, code, message string) {
	x.t.Helper()
	if a.status != status || a.code != code || !strings.Contains(a.message, message) {
		x.t.Errorf("%d %s, want %d %s with %q", a.status, a.body, status, code, message)
	}
}

// value is the text of the first element of a name.
func value(body, name string) string {
	_, rest, _ := strings.Cut(body, "<"+name+">")
	v, _, _ := strings.Cut(rest, "</"+name+">")
	return v
}

func (x *fixture) newUser(root creds, name string) creds {
	x.t.Helper()
	x.ok(x.iam(root, "CreateUser", "UserName", name))
	k := x.ok(x.iam(root, "CreateAccessKey", "UserName", name)).body
	return creds{value(k, "AccessKeyId"), value(k, "SecretAccessKey"), ""}
}

func (x *fixture) assume(c creds, role, session string, more ...string) (creds, answer) {
	x.t.Helper()
	a := x.sts(c, "AssumeRole", append([]string{"RoleArn", role, "RoleSessionName", session}, more...)...)
	return creds{value(a.body, "AccessKeyId"), value(a.body, "SecretAccessKey"), value(a.body, "SessionToken")}, a
}

func TestUsersAndKeys(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	created := x.ok(x.iam(root, "CreateUser", "UserName", "Ann", "Path", "/team/", "Tags.member.1.Key", "team", "Tags.member.1.Value", "edge")).body
	if value(created, "Arn") != "arn:aws:iam::"+accountA+":user/team/Ann" || !strings.HasPrefix(value(created, "UserId"), "AIDA") || len(value(created, "UserId")) != 21 || value(created, "RequestId") != "request-1" ||
		!strings.HasPrefix(created, `<CreateUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateUserResult><User>`) {
		t.Error(created)
	}
	x.refused(x.iam(root, "CreateUser", "UserName", "ANN"), 409, "EntityAlreadyExists", "User with name ANN already exists.")
	x.refused(x.iam(root, "GetUser", "UserName", "bob"), 404, "NoSuchEntity", "The user with name bob cannot be found.")
	x.refused(x.iam(root, "CreateUser"), 400, "ValidationError", "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null")
	x.refused(x.iam(root, "CreateUser", "UserName", "a b", "Path", "x"), 400, "ValidationError", "2 validation errors detected: Value 'a b' at 'userName'")
	x.refused(x.iam(root, "CreateUser", "UserName", strings.Repeat("a", 65)), 400, "ValidationError", "Member must have length less than or equal to 64")
	if got := x.ok(x.iam(root, "GetUser", "UserName", "Ann")).body; value(got, "Key") != "team" {
		t.Error(got)
	}
	if got := x.ok(x.iam(root, "GetUser")).body; value(got, "Arn") != "arn:aws:iam::"+accountA+":root" {
		t.Error(got)
	}

	k := x.ok(x.iam(root, "CreateAccessKey", "UserName", "Ann")).body
	ann := creds{value(k, "AccessKeyId"), value(k, "SecretAccessKey"), ""}
	if len(ann.id) != 20 || !strings.HasPrefix(ann.id, "AKIA") || len(ann.secret) != 40 || value(k, "Status") != "Active" {
		t.Error(k)
	}
	x.ok(x.iam(root, "CreateAccessKey", "UserName", "Ann"))
	x.refused(x.iam(root, "CreateAccessKey", "UserName", "Ann"), 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	identity := x.ok(x.sts(ann, "GetCallerIdentity")).body
	if value(identity, "Arn") != "arn:aws:iam::"+accountA+":user/team/Ann" || value(identity, "Account") != accountA || value(identity, "UserId") != value(created, "UserId") {
		t.Error(identity)
	}
	x.refused(x.iam(ann, "ListUsers"), 403, "AccessDenied", "User: arn:aws:iam::"+accountA+":user/team/Ann is not authorized to perform: iam:ListUsers on resource: * because no identity-based policy allows the iam:ListUsers action")
	x.refused(x.iam(ann, "GetUser"), 403, "AccessDenied", "on resource: arn:aws:iam::"+accountA+":user/team/Ann because")
	x.ok(x.iam(root, "PutUserPolicy", "UserName", "Ann", "PolicyName", "self", "PolicyDocument", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/*/${aws:username}"}}`))
	if got := x.ok(x.iam(ann, "GetUser")).body; value(got, "UserName") != "Ann" {
		t.Error(got)
	}
	x.refused(x.iam(ann, "GetUser", "UserName", "bob"), 403, "AccessDenied", "user/bob")

	// An inactive key is none, and comes back.
	x.ok(x.iam(root, "UpdateAccessKey", "UserName", "Ann", "AccessKeyId", ann.id, "Status", "Inactive"))
	x.refused(x.sts(ann, "GetCallerIdentity"), 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	x.ok(x.iam(root, "UpdateAccessKey", "UserName", "Ann", "AccessKeyId", ann.id, "Status", "Active"))
	x.ok(x.sts(ann, "GetCallerIdentity"))
	x.refused(x.iam(root, "UpdateAccessKey", "UserName", "Ann", "AccessKeyId", ann.id, "Status", "Off"), 400, "ValidationError", "enum")
	x.refused(x.iam(root, "DeleteAccessKey", "UserName", "Ann", "AccessKeyId", "AKIANOTHING"), 404, "NoSuchEntity", "The Access Key with id AKIANOTHING cannot be found.")

	// A user is renamed with all it has.
	x.ok(x.iam(root, "UpdateUser", "UserName", "Ann", "NewUserName", "Anna", "NewPath", "/"))
	if got := x.ok(x.sts(ann, "GetCallerIdentity")).body; value(got, "Arn") != "arn:aws:iam::"+accountA+":user/Anna" {
		t.Error(got)
	}
	x.refused(x.iam(root, "DeleteUser", "UserName", "Anna"), 409, "DeleteConflict", "must delete access keys first")
	for _, id := range strings.Split(x.ok(x.iam(root, "ListAccessKeys", "UserName", "Anna")).body, "<AccessKeyId>")[1:] {
		x.ok(x.iam(root, "DeleteAccessKey", "UserName", "Anna", "AccessKeyId", id[:20]))
	}
	x.refused(x.iam(root, "DeleteUser", "UserName", "Anna"), 409, "DeleteConflict", "must delete policies first")
	x.ok(x.iam(root, "DeleteUserPolicy", "UserName", "Anna", "PolicyName", "self"))
	x.ok(x.iam(root, "DeleteUser", "UserName", "Anna"))
	x.refused(x.sts(ann, "GetCallerIdentity"), 403, "InvalidClientTokenId", "")
	if got := x.ok(x.iam(root, "ListUsers")).body; !strings.Contains(got, "<Users></Users>") {
		t.Error(got)
	}
}

func TestPagesOfUsers(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	for _, name := range []string{"d", "B", "a", "C", "e"} {
		x.ok(x.iam(root, "CreateUser", "UserName", name))
	}
	var names []string
	marker := []string{}
	for {
		page := x.ok(x.iam(root, "ListUsers", append([]string{"MaxItems", "2"}, marker...)...)).body
		for _, part := range strings.Split(page, "<UserName>")[1:] {
			names = append(names, part[:1])
		}
		if value(page, "IsTruncated") == "false" {
			break
		}
		marker = []string{"Marker", value(page, "Marker")}
	}
	if strings.Join(names, "") != "aBCde" {
		t.Error(names)
	}
	x.refused(x.iam(root, "ListUsers", "MaxItems", "0"), 400, "ValidationError", "greater than or equal to 1")
}

func TestPoliciesOfEveryKind(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	ann := x.newUser(root, "ann")
	refused := "User: arn:aws:iam::" + accountA + ":user/ann is not authorized to perform: lambda:InvokeFunction on resource: " + function + " because no identity-based policy allows the lambda:InvokeFunction action"
	wantRefused := func(want string) {
		t.Helper()
		if a := x.invoke(ann); a.status != 403 || a.body != "AccessDeniedException: "+want {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	wantRefused(refused)

	// Inline.
	x.ok(x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", allowInvoke))
	x.ok(x.invoke(ann))
	if got := value(x.ok(x.iam(root, "GetUserPolicy", "UserName", "ann", "PolicyName", "p")).body, "PolicyDocument"); got != escape(allowInvoke) {
		t.Error(got)
	}
	x.refused(x.iam(root, "GetUserPolicy", "UserName", "ann", "PolicyName", "q"), 404, "NoSuchEntity", "The user policy with name q cannot be found.")
	x.refused(x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", `{"Statement":[]}`), 400, "MalformedPolicyDocument", "Statement")
	x.refused(x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", strings.Replace(allowInvoke, "*", "arn:aws:lambda:::"+strings.Repeat("x", 2048), 1)), 409, "LimitExceeded", "")
	x.ok(x.iam(root, "DeleteUserPolicy", "UserName", "ann", "PolicyName", "p"))
	wantRefused(refused)

	// Of AWS.
	awsRole := "arn:aws:iam::aws:policy/service-role/AWSLambdaRole"
	x.ok(x.iam(root, "AttachUserPolicy", "UserName", "ann", "PolicyArn", awsRole))
	x.ok(x.invoke(ann))
	x.refused(x.iam(root, "DeletePolicy", "PolicyArn", awsRole), 403, "AccessDenied", "managed by AWS")
	if got := x.ok(x.iam(root, "ListAttachedUserPolicies", "UserName", "ann")).body; value(got, "PolicyArn") != awsRole || value(got, "PolicyName") != "AWSLambdaRole" {
		t.Error(got)
	}
	x.ok(x.iam(root, "DetachUserPolicy", "UserName", "ann", "PolicyArn", awsRole))
	x.refused(x.iam(root, "DetachUserPolicy", "UserName", "ann", "PolicyArn", awsRole), 404, "NoSuchEntity", "was not found")
	x.refused(x.iam(root, "AttachUserPolicy", "UserName", "ann", "PolicyArn", awsRole+"x"), 404, "NoSuchEntity", "does not exist or is not attachable")
	wantRefused(refused)

	// Managed by the account, in versions.
	arn := value(x.ok(x.iam(root, "CreatePolicy", "PolicyName", "invoke", "PolicyDocument", allowInvoke, "Description", "d", "Path", "/x/")).body, "Arn")
	if arn != "arn:aws:iam::"+accountA+":policy/x/invoke" {
		t.Error(arn)
	}
	x.refused(x.iam(root, "CreatePolicy", "PolicyName", "Invoke", "PolicyDocument", allowInvoke), 409, "EntityAlreadyExists", "A policy called Invoke already exists")
	x.ok(x.iam(root, "AttachUserPolicy", "UserName", "ann", "PolicyArn", arn))
	x.ok(x.invoke(ann))
	if v := value(x.ok(x.iam(root, "CreatePolicyVersion", "PolicyArn", arn, "PolicyDocument", strings.Replace(allowInvoke, "Allow", "Deny", 1), "SetAsDefault", "true")).body, "VersionId"); v != "v2" {
		t.Error(v)
	}
	wantRefused("User: arn:aws:iam::" + accountA + ":user/ann is not authorized to perform: lambda:InvokeFunction on resource: " + function + " with an explicit deny in an identity-based policy")
	x.ok(x.iam(root, "SetDefaultPolicyVersion", "PolicyArn", arn, "VersionId", "v1"))
	x.ok(x.invoke(ann))
	x.refused(x.iam(root, "DeletePolicyVersion", "PolicyArn", arn, "VersionId", "v1"), 409, "DeleteConflict", "default version")
	x.refused(x.iam(root, "DeletePolicy", "PolicyArn", arn), 409, "DeleteConflict", "attached to entities")
	if got := x.ok(x.iam(root, "ListEntitiesForPolicy", "PolicyArn", arn)).body; value(got, "UserName") != "ann" || !strings.Contains(got, "<PolicyRoles></PolicyRoles>") {
		t.Error(got)
	}
	if got := x.ok(x.iam(root, "GetPolicyVersion", "PolicyArn", arn, "VersionId", "v2")).body; value(got, "IsDefaultVersion") != "false" || !strings.Contains(got, "Deny") {
		t.Error(got)
	}
	x.ok(x.iam(root, "DetachUserPolicy", "UserName", "ann", "PolicyArn", arn))
	x.refused(x.iam(root, "DeletePolicy", "PolicyArn", arn), 409, "DeleteConflict", "more than one version")
	x.ok(x.iam(root, "DeletePolicyVersion", "PolicyArn", arn, "VersionId", "v2"))
	if v := value(x.ok(x.iam(root, "CreatePolicyVersion", "PolicyArn", arn, "PolicyDocument", allowInvoke)).body, "VersionId"); v != "v3" {
		t.Errorf("%s: numbers of versions are used again", v)
	}

	// A group's.
	x.ok(x.iam(root, "CreateGroup", "GroupName", "g"))
	x.ok(x.iam(root, "AttachGroupPolicy", "GroupName", "g", "PolicyArn", arn))
	wantRefused(refused)
	x.ok(x.iam(root, "AddUserToGroup", "GroupName", "g", "UserName", "ann"))
	x.ok(x.invoke(ann))
	if got := x.ok(x.iam(root, "GetGroup", "GroupName", "g")).body; value(got, "UserName") != "ann" {
		t.Error(got)
	}
	x.refused(x.iam(root, "DeleteGroup", "GroupName", "g"), 409, "DeleteConflict", "remove users")

	// A boundary.
	x.ok(x.iam(root, "PutUserPermissionsBoundary", "UserName", "ann", "PermissionsBoundary", "arn:aws:iam::aws:policy/IAMReadOnlyAccess"))
	wantRefused("User: arn:aws:iam::" + accountA + ":user/ann is not authorized to perform: lambda:InvokeFunction on resource: " + function + " because no permissions boundary allows the lambda:InvokeFunction action")
	x.ok(x.iam(root, "DeleteUserPermissionsBoundary", "UserName", "ann"))
	x.ok(x.invoke(ann))
	x.ok(x.iam(root, "RemoveUserFromGroup", "GroupName", "g", "UserName", "ann"))
	wantRefused(refused)
}

func TestRoles(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	r := x.ok(x.iam(root, "CreateRole", "RoleName", "worker", "Path", "/service-role/", "AssumeRolePolicyDocument", trustLambda, "Description", "d")).body
	arn := "arn:aws:iam::" + accountA + ":role/service-role/worker"
	if value(r, "Arn") != arn || !strings.HasPrefix(value(r, "RoleId"), "AROA") || value(r, "AssumeRolePolicyDocument") != escape(trustLambda) || value(r, "MaxSessionDuration") != "3600" {
		t.Error(r)
	}
	x.refused(x.iam(root, "CreateRole", "RoleName", "worker", "AssumeRolePolicyDocument", trustLambda), 409, "EntityAlreadyExists", "Role with name worker already exists.")
	x.refused(x.iam(root, "CreateRole", "RoleName", "x", "AssumeRolePolicyDocument", allowAll), 400, "MalformedPolicyDocument", "")
	x.ok(x.iam(root, "TagRole", "RoleName", "worker", "Tags.member.1.Key", "a", "Tags.member.1.Value", "b"))
	if got := x.ok(x.iam(root, "ListRoleTags", "RoleName", "worker")).body; value(got, "Value") != "b" {
		t.Error(got)
	}
	x.ok(x.iam(root, "UntagRole", "RoleName", "worker", "TagKeys.member.1", "a"))
	x.ok(x.iam(root, "UpdateRole", "RoleName", "worker", "MaxSessionDuration", "7200"))
	if got := x.ok(x.iam(root, "GetRole", "RoleName", "worker")).body; value(got, "MaxSessionDuration") != "7200" || strings.Contains(got, "<Tags>") || value(got, "Description") != "d" {
		t.Error(got)
	}
	x.refused(x.iam(root, "UpdateRole", "RoleName", "worker", "MaxSessionDuration", "1"), 400, "ValidationError", "3600")

	check := func(account, arn, want string) {
		t.Helper()
		got := ""
		if err := x.s.CheckRole(account, arn); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q", arn, got)
		}
	}
	notAssumable := "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."
	check(accountA, arn, "")
	check(accountA, "arn:aws:iam::"+accountA+":role/worker", notAssumable) // another path
	check(accountA, "arn:aws:iam::"+accountA+":role/nobody", notAssumable)
	check(accountB, arn, "AccessDeniedException: Cross-account pass role is not allowed.")
	x.ok(x.iam(root, "UpdateAssumeRolePolicy", "RoleName", "worker", "PolicyDocument", strings.Replace(trustLambda, "lambda", "ec2", 1)))
	check(accountA, arn, notAssumable)
	x.ok(x.iam(root, "UpdateAssumeRolePolicy", "RoleName", "worker", "PolicyDocument", trustLambda))

	x.ok(x.iam(root, "PutRolePolicy", "RoleName", "worker", "PolicyName", "p", "PolicyDocument", allowInvoke))
	x.refused(x.iam(root, "DeleteRole", "RoleName", "worker"), 409, "DeleteConflict", "must delete policies first")
	if got := x.ok(x.iam(root, "ListRolePolicies", "RoleName", "worker")).body; value(got, "member") != "p" {
		t.Error(got)
	}

	// A function's credentials act as its role, until they expire or the role goes.
	c, err := x.s.FunctionCredentials(accountA, arn, "my-function")
	if err != nil {
		t.Fatal(err)
	}
	fn := creds{c.AccessKeyID, c.SecretAccessKey, c.SessionToken}
	x.ok(x.invoke(fn))
	if got := x.ok(x.sts(fn, "GetCallerIdentity")).body; value(got, "Arn") != "arn:aws:sts::"+accountA+":assumed-role/worker/my-function" || value(got, "UserId") != value(r, "RoleId")+":my-function" {
		t.Error(got)
	}
	x.refused(x.sts(creds{fn.id, fn.secret, ""}, "GetCallerIdentity"), 403, "InvalidClientTokenId", "")
	x.refused(x.sts(creds{"ASIAOTHER", fn.secret, fn.token}, "GetCallerIdentity"), 403, "InvalidClientTokenId", "")
	x.refused(x.sts(creds{fn.id, fn.secret + "x", fn.token}, "GetCallerIdentity"), 403, "SignatureDoesNotMatch", "does not match")
	x.now = x.now.Add(functionSession)
	x.refused(x.sts(fn, "GetCallerIdentity"), 403, "ExpiredToken", "The security token included in the request is expired")
	if a := x.invoke(fn); !strings.HasPrefix(a.body, "ExpiredTokenException") {
		t.Error(a.body)
	}
	x.now = x.now.Add(-functionSession)
	x.ok(x.iam(root, "DeleteRolePolicy", "RoleName", "worker", "PolicyName", "p"))
	x.ok(x.iam(root, "DeleteRole", "RoleName", "worker"))
	x.refused(x.sts(fn, "GetCallerIdentity"), 403, "InvalidClientTokenId", "")
	x.ok(x.iam(root, "CreateRole", "RoleName", "worker", "Path", "/service-role/", "AssumeRolePolicyDocument", trustLambda))
	x.refused(x.sts(fn, "GetCallerIdentity"), 403, "InvalidClientTokenId", "") // a successor of the same name is another
	if c, err := x.s.FunctionCredentials(accountA, arn+"x", "f"); err == nil || err.Error() != notAssumable {
		t.Error(c, err)
	}
	x.open(func(c *Config) { c.PermissiveRoles = true })
	if c, err := x.s.FunctionCredentials(accountA, arn+"x", "f"); err != nil || c.AccessKeyID != "" {
		t.Error(c, err)
	}
	check(accountA, "arn:aws:iam::"+accountA+":role/nobody", "")
}

func TestAssumeRole(t *testing.T) {
	x := newFixture(t)
	rootA, rootB := rootOf(accountA), rootOf(accountB)
	ann, bob := x.newUser(rootA, "ann"), x.newUser(rootB, "bob")
	role := func(root creds, account, name, trust string) string {
		t.Helper()
		x.ok(x.iam(root, "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trust))
		x.ok(x.iam(root, "AttachRolePolicy", "RoleName", name, "PolicyArn", "arn:aws:iam::aws:policy/service-role/AWSLambdaRole"))
		return "arn:aws:iam::" + account + ":role/" + name
	}
	byName := role(rootA, accountA, "by-name", trust("arn:aws:iam::"+accountA+":user/ann"))
	byAccount := role(rootA, accountA, "by-account", trust(accountA))
	across := role(rootA, accountA, "across", strings.Replace(trust(accountB), `"sts:AssumeRole"`, `"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x1"}}`, 1))
	deny := func(c creds, role string, more ...string) {
		t.Helper()
		_, a := x.assume(c, role, "s-1", more...)
		x.refused(a, 403, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: "+role)
	}
	c, a := x.assume(ann, byName, "s-1")
	x.ok(a)
	x.ok(x.invoke(c))
	if got := x.ok(x.sts(c, "GetCallerIdentity")).body; value(got, "Arn") != "arn:aws:sts::"+accountA+":assumed-role/by-name/s-1" {
		t.Error(got)
	}
	deny(ann, byAccount)
	x.ok(x.iam(rootA, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", strings.Replace(allowInvoke, "lambda:InvokeFunction", "sts:AssumeRole", 1)))
	c, a = x.assume(ann, byAccount, "s-1", "Policy", strings.Replace(allowInvoke, "lambda:InvokeFunction", "s3:*", 1))
	x.ok(a)
	if a := x.invoke(c); !strings.Contains(a.body, "because no session policy allows the lambda:InvokeFunction action") {
		t.Error(a.body)
	}
	c, a = x.assume(ann, byAccount, "s-1", "PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/service-role/AWSLambdaRole")
	x.ok(a)
	x.ok(x.invoke(c))
	deny(rootA, byAccount)
	deny(bob, byName)
	deny(ann, byName+"x")

	// Across accounts both sides must agree.
	deny(bob, across, "ExternalId", "x1")
	x.ok(x.iam(rootB, "PutUserPolicy", "UserName", "bob", "PolicyName", "p", "PolicyDocument", strings.Replace(strings.Replace(allowInvoke, "lambda:InvokeFunction", "sts:AssumeRole", 1), `"*"`, `"`+across+`"`, 1)))
	deny(bob, across)
	deny(bob, across, "ExternalId", "x2")
	c, a = x.assume(bob, across, "s-1", "ExternalId", "x1", "DurationSeconds", "900")
	x.ok(a)
	x.ok(x.invoke(c))
	x.now = x.now.Add(15 * time.Minute)
	if a := x.invoke(c); !strings.HasPrefix(a.body, "ExpiredTokenException") {
		t.Error(a.body)
	}
	// Bob himself may not invoke a function of another account.
	x.ok(x.iam(rootB, "PutUserPolicy", "UserName", "bob", "PolicyName", "all", "PolicyDocument", allowAll))
	if a := x.invoke(bob); !strings.Contains(a.body, "because no resource-based policy allows the lambda:InvokeFunction action") {
		t.Error(a.body)
	}
	_, a = x.assume(ann, byName, "s", "DurationSeconds", "90000")
	x.refused(a, 400, "ValidationError", "2 validation errors")
	_, a = x.assume(ann, byName, "s-1", "DurationSeconds", "7200")
	x.refused(a, 400, "ValidationError", "exceeds the MaxSessionDuration")
	_, a = x.assume(ann, byName, "s-1", "Policy", "{}")
	x.refused(a, 400, "MalformedPolicyDocument", "")
	// A Deny of the caller's wins over being named.
	x.ok(x.iam(rootA, "PutUserPolicy", "UserName", "ann", "PolicyName", "no", "PolicyDocument", strings.Replace(allowAll, "Allow", "Deny", 1)))
	deny(ann, byName)
}

func TestSessionTokens(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	ann := x.newUser(root, "ann")
	for name, c := range map[string]creds{"ann": ann, "root": root} {
		a := x.ok(x.sts(c, "GetSessionToken")).body
		s := creds{value(a, "AccessKeyId"), value(a, "SecretAccessKey"), value(a, "SessionToken")}
		who := x.ok(x.sts(s, "GetCallerIdentity")).body
		if value(who, "Arn") != value(x.ok(x.sts(c, "GetCallerIdentity")).body, "Arn") {
			t.Errorf("%s: %s", name, who)
		}
		x.refused(x.sts(s, "GetSessionToken"), 403, "AccessDenied", "session credentials")
		if name == "root" {
			x.ok(x.invoke(s))
		}
	}
	if got := x.ok(x.sts(root, "GetAccessKeyInfo", "AccessKeyId", ann.id)).body; value(got, "Account") != accountA {
		t.Error(got)
	}
}

// What was acknowledged is there after a restart, sessions included; what could not be stored never happened.
func TestStorage(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	ann := x.newUser(root, "ann")
	x.ok(x.iam(root, "CreateGroup", "GroupName", "g"))
	x.ok(x.iam(root, "PutGroupPolicy", "GroupName", "g", "PolicyName", "p", "PolicyDocument", allowInvoke))
	x.ok(x.iam(root, "AddUserToGroup", "GroupName", "g", "UserName", "ann"))
	x.ok(x.iam(root, "CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", trustLambda))
	c, err := x.s.FunctionCredentials(accountA, "arn:aws:iam::"+accountA+":role/r", "f")
	if err != nil {
		t.Fatal(err)
	}
	x.ok(x.iam(root, "CreatePolicy", "PolicyName", "p", "PolicyDocument", allowInvoke))
	x.open()
	x.ok(x.invoke(ann))
	x.ok(x.sts(creds{c.AccessKeyID, c.SecretAccessKey, c.SessionToken}, "GetCallerIdentity"))
	x.ok(x.iam(root, "GetPolicy", "PolicyArn", "arn:aws:iam::"+accountA+":policy/p"))

	x.storage.fail = io.ErrShortWrite
	a := x.iam(root, "CreateUser", "UserName", "bob")
	x.refused(a, 500, "ServiceFailure", "internal"[:0])
	if strings.Contains(a.body, "short write") || !strings.Contains(x.log.String(), "short write") {
		t.Errorf("%s, log %s", a.body, x.log)
	}
	x.storage.fail = nil
	x.refused(x.iam(root, "GetUser", "UserName", "bob"), 404, "NoSuchEntity", "")

	// An account that isn't configured any more has no identities.
	x.open(func(c *Config) { c.Roots = c.Roots[1:] })
	x.refused(x.sts(ann, "GetCallerIdentity"), 403, "InvalidClientTokenId", "")
	if x.s.Hosts(accountA) || !x.s.Hosts(accountB) {
		t.Error("hosts the wrong accounts")
	}
	before := maps.Clone(x.storage.all)
	x.storage.all[accountB+"/thing/x"] = []byte("{}")
	if _, err := New(Config{Storage: x.storage, SessionKey: make([]byte, 32), Roots: []Root{{accountB, "a", strings.Repeat("s", 40)}}}); err == nil {
		t.Error("a record of an unknown kind is ignored")
	}
	x.storage.all = before
}

func TestProtocol(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	x.refused(x.iam(creds{}, "ListUsers"), 403, "MissingAuthenticationToken", "Request is missing Authentication Token")
	x.refused(x.iam(root, "DoWonders"), 400, "InvalidAction", "Could not find operation DoWonders for version 2010-05-08")
	x.refused(x.do(root, "iam", "us-east-1", "POST", "/", form("ListUsers", "2016-01-01", nil), formType), 400, "InvalidAction", "")
	x.refused(x.do(root, "iam", "us-east-1", "POST", "/", form("GetCallerIdentity", versionIAM, nil), formType), 400, "InvalidAction", "")
	x.refused(x.do(root, "sts", "us-west-2", "POST", "/", form("GetCallerIdentity", versionSTS, nil), formType), 403, "SignatureDoesNotMatch", "valid region")
	x.ok(x.do(root, "sts", "us-east-1", "GET", "/?"+form("GetCallerIdentity", versionSTS, nil), "", ""))
	x.refused(x.iam(creds{"AKIAOTHER", "x", ""}, "ListUsers"), 403, "InvalidClientTokenId", "")
	// Text that could be XML is text.
	x.refused(x.iam(root, "GetUser", "UserName", "<a>&b"), 400, "ValidationError", "Value '<a>&b' at 'userName'")
	// What is for neither service goes on to Lambda.
	if a := x.do(root, "lambda", "eu-west-1", "POST", "/", "x=y", formType); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	// Without authentication everybody is root.
	x.open(func(c *Config) { c.Open = true })
	if got := x.ok(x.sts(creds{"any", "any", ""}, "GetCallerIdentity")).body; value(got, "Arn") != "arn:aws:iam::"+accountA+":root" {
		t.Error(got)
	}
	x.ok(x.iam(creds{}, "CreateUser", "UserName", "u"))
	// But a link is no command.
	a := x.do(creds{}, "iam", "us-east-1", "GET", "/?"+form("CreateUser", versionIAM, []string{"UserName", "v"}), "", "")
	if strings.Contains(a.body, "CreateUserResponse") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestSimulator(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	x.newUser(root, "ann")
	x.ok(x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument", allowInvoke))
	decisions := func(a answer) string {
		t.Helper()
		var all []string
		for _, part := range strings.Split(x.ok(a).body, "<EvalDecision>")[1:] {
			d, _, _ := strings.Cut(part, "<")
			all = append(all, d)
		}
		return strings.Join(all, " ")
	}
	principal := []string{"PolicySourceArn", "arn:aws:iam::" + accountA + ":user/ann", "ActionNames.member.1", "lambda:InvokeFunction", "ActionNames.member.2", "lambda:GetFunction"}
	if got := decisions(x.iam(root, "SimulatePrincipalPolicy", principal...)); got != "allowed implicitDeny" {
		t.Error(got)
	}
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"` + function + `","Condition":{"StringEquals":{"aws:username":["x","y"]}}}]}`
	custom := []string{"PolicyInputList.member.1", allowAll, "PolicyInputList.member.2", deny, "ActionNames.member.1", "lambda:GetFunction", "ResourceArns.member.1", function, "ResourceArns.member.2", function + "2"}
	if got := decisions(x.iam(root, "SimulateCustomPolicy", custom...)); got != "allowed allowed" {
		t.Error(got)
	}
	custom = append(custom, "ContextEntries.member.1.ContextKeyName", "aws:UserName", "ContextEntries.member.1.ContextKeyValues.member.1", "y")
	if got := decisions(x.iam(root, "SimulateCustomPolicy", custom...)); got != "explicitDeny allowed" {
		t.Error(got)
	}
	x.refused(x.iam(root, "SimulateCustomPolicy", "PolicyInputList.member.1", "{}", "ActionNames.member.1", "a:b"), 400, "MalformedPolicyDocument", "")
	x.refused(x.iam(root, "SimulateCustomPolicy"), 400, "ValidationError", "2 validation errors")
	x.refused(x.iam(root, "SimulatePrincipalPolicy", "PolicySourceArn", "arn:aws:iam::"+accountA+":user/bob", "ActionNames.member.1", "a:b"), 404, "NoSuchEntity", "")
}

func TestManagedPoliciesOfAWS(t *testing.T) {
	x := newFixture(t)
	all := x.ok(x.iam(rootOf(accountA), "ListPolicies", "Scope", "AWS")).body
	for _, name := range []string{
		"service-role/AWSLambdaBasicExecutionRole", "service-role/AWSLambdaKinesisExecutionRole", "service-role/AWSLambdaDynamoDBExecutionRole",
		"service-role/AWSLambdaVPCAccessExecutionRole", "service-role/AWSLambdaRole", "AWSLambdaExecute", "AWSLambdaFullAccess", "AWSLambda_FullAccess",
		"AWSLambdaReadOnlyAccess", "AWSLambdaInvocation-DynamoDB", "AdministratorAccess",
	} {
		if !strings.Contains(all, "<Arn>arn:aws:iam::aws:policy/"+name+"</Arn>") {
			t.Errorf("%s is missing", name)
		}
	}
	// Rows AUTH-29…31, PRM-04.
	for name, want := range map[string]map[string]bool{
		"AWSLambdaReadOnlyAccess":                  {"lambda:GetFunction": true, "lambda:ListFunctions": true, "lambda:InvokeFunction": false, "lambda:CreateFunction": false},
		"AWSLambdaFullAccess":                      {"lambda:InvokeFunction": true, "lambda:DeleteFunction": true, "iam:PassRole": true},
		"service-role/AWSLambdaRole":               {"lambda:InvokeFunction": true, "lambda:GetFunction": false},
		"service-role/AWSLambdaBasicExecutionRole": {"logs:PutLogEvents": true, "lambda:InvokeFunction": false},
	} {
		d := x.s.aws["arn:aws:iam::aws:policy/"+name].document
		for action, allowed := range want {
			got := policy.Decide(&policy.Request{Principal: &policy.Principal{Account: accountA}, Actions: []string{action}, Resource: "*"}, &policy.Policies{Identity: []*policy.Document{d}, ResourceAccount: accountA})
			if (got == policy.Allowed) != allowed {
				t.Errorf("%s: %s: %d", name, action, got)
			}
		}
	}
}

// The keys that conditions of a request see.
func TestConditionKeys(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	x.ok(x.iam(root, "CreateUser", "UserName", "ann", "Tags.member.1.Key", "Team", "Tags.member.1.Value", "edge"))
	k := x.ok(x.iam(root, "CreateAccessKey", "UserName", "ann")).body
	ann := creds{value(k, "AccessKeyId"), value(k, "SecretAccessKey"), ""}
	for condition, want := range map[string]bool{
		`{"StringEquals":{"aws:username":"ann","aws:PrincipalType":"User","aws:PrincipalAccount":"` + accountA + `","aws:RequestedRegion":"eu-west-1","aws:PrincipalTag/team":"edge"}}`: true,
		`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/ann"}}`:   true,
		`{"StringLike":{"aws:userid":"AIDA*","aws:UserAgent":"Go-*"}}`: true,
		`{"DateLessThan":{"aws:CurrentTime":"2016-01-01T00:00:00Z"}}`:  false,
		`{"DateGreaterThan":{"aws:EpochTime":"1400000000"}}`:           true,
		`{"Bool":{"aws:SecureTransport":"true"}}`:                      false,
		`{"Null":{"aws:TokenIssueTime":"true"}}`:                       true,
		`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`:       true,
		`{"StringEquals":{"aws:PrincipalTag/cost":"x"}}`:               false,
	} {
		x.ok(x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", "p", "PolicyDocument",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*","Condition":`+condition+`}]}`))
		if a := x.invoke(ann); (a.status == 200) != want {
			t.Errorf("%s: %d %s", condition, a.status, a.body)
		}
	}
}

// Changes and requests at once: run with the race detector.
func TestHammer(t *testing.T) {
	x := newFixture(t)
	root := rootOf(accountA)
	ann := x.newUser(root, "ann")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			name := "u" + itoa(i)
			for range 10 {
				x.iam(root, "CreateUser", "UserName", name)
				x.iam(root, "PutUserPolicy", "UserName", "ann", "PolicyName", name, "PolicyDocument", allowInvoke)
				x.invoke(ann)
				x.iam(root, "ListUsers")
				x.iam(root, "DeleteUserPolicy", "UserName", "ann", "PolicyName", name)
				x.iam(root, "DeleteUser", "UserName", name)
			}
		})
	}
	wg.Wait()
	if got := x.ok(x.iam(root, "ListUsers")).body; strings.Count(got, "<UserName>") != 1 {
		t.Error(got)
	}
}

// Nothing but a token that was given out is one, and only with its own key id.
func FuzzSessionToken(f *testing.F) {
	s, err := newSealer(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	c, err := s.seal(&session{Account: accountA, Role: "r"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint(3), byte('x'), "junk")
	f.Fuzz(func(t *testing.T, at uint, with byte, junk string) {
		token := []byte(c.SessionToken)
		token[at%uint(len(token))] = with
		id := []byte(c.AccessKeyID)
		id[at%uint(len(id))] = with
		for _, try := range [][2]string{{c.AccessKeyID, string(token)}, {string(id), c.SessionToken}, {c.AccessKeyID, junk}, {c.AccessKeyID, c.SessionToken + junk}, {junk, c.SessionToken}} {
			same := try[0] == c.AccessKeyID && strings.NewReplacer("\r", "", "\n", "").Replace(try[1]) == c.SessionToken
			if _, ok := s.open(try[0], try[1]); ok != same {
				t.Fatalf("%q %q: %v", try[0], try[1], ok)
			}
		}
	})
}
