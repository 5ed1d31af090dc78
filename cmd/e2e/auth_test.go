package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// as runs the AWS CLI with somebody's credentials: id, secret and, of a session, token.
func (s *server) as(who [3]string, want string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command(tool(s.t, "aws", "--version"), args...)
	cmd.Env = append(s.clientEnv(), "AWS_ACCESS_KEY_ID="+who[0], "AWS_SECRET_ACCESS_KEY="+who[1])
	if who[2] != "" {
		cmd.Env = append(cmd.Env, "AWS_SESSION_TOKEN="+who[2])
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(stderr.String(), want)) {
		s.t.Errorf("aws %s: %v, %q; want %q", strings.Join(args, " "), err, &stderr, want)
	}
	return stdout.String()
}

// keysOf reads credentials from what the CLI prints.
func keysOf(t *testing.T, text string) [3]string {
	t.Helper()
	type keys struct{ AccessKeyId, SecretAccessKey, SessionToken string }
	var out struct{ AccessKey, Credentials keys }
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if k := out.Credentials; k.AccessKeyId != "" {
		return [3]string{k.AccessKeyId, k.SecretAccessKey, k.SessionToken}
	}
	return [3]string{out.AccessKey.AccessKeyId, out.AccessKey.SecretAccessKey}
}

const (
	lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	account     = "000000000000"
	other       = "111111111111"
)

// A team's set-up from nothing, by the AWS CLI: identities, roles, functions, other accounts.
func TestIdentities(t *testing.T) {
	data := dataDir(t)
	s := serve(t, data, "--auth", "sigv4", "--account", account+","+other)
	dir := t.TempDir()
	out := filepath.Join(dir, "out.json")
	code := "fileb://" + write(t, "f.zip", zipOf(t, map[string]string{"app.py": `
import os
def handler(event, context):
    return [os.environ["AWS_" + k] for k in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]`}))

	if mode := must(os.Stat(filepath.Join(data, "access.json")))(t).Mode(); mode.Perm() != 0o600 {
		t.Errorf("root credentials have mode %v", mode)
	}
	s.aws("", "iam", "create-user", "--user-name", "ann")
	ann := keysOf(t, s.aws("", "iam", "create-access-key", "--user-name", "ann"))
	if got := s.as(ann, "", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"); got != "arn:aws:iam::"+account+":user/ann\n" {
		t.Error(got)
	}
	create := []string{"lambda", "create-function", "--function-name", "show", "--runtime", "python3.13", "--handler", "app.handler", "--zip-file", code, "--role"}
	role := "arn:aws:iam::" + account + ":role/worker"
	s.as(ann, "User: arn:aws:iam::"+account+":user/ann is not authorized to perform: lambda:CreateFunction on resource: arn:aws:lambda:us-east-1:"+account+":function:show because no identity-based policy allows the lambda:CreateFunction action", append(create, role)...)
	s.aws("", "iam", "attach-user-policy", "--user-name", "ann", "--policy-arn", "arn:aws:iam::aws:policy/AWSLambda_FullAccess")
	s.as(ann, "The role defined for the function cannot be assumed by Lambda.", append(create, role)...)
	s.aws("", "iam", "create-role", "--role-name", "worker", "--assume-role-policy-document", lambdaTrust)
	s.aws("", "iam", "put-user-policy", "--user-name", "ann", "--policy-name", "no-roles", "--policy-document", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:PassRole","Resource":"*"}]}`)
	s.as(ann, "is not authorized to perform: iam:PassRole on resource: "+role+" with an explicit deny in an identity-based policy", append(create, role)...)
	s.aws("", "iam", "delete-user-policy", "--user-name", "ann", "--policy-name", "no-roles")
	s.as(ann, "", append(create, role)...)

	// The function's own credentials: its role's, at its own server.
	s.as(ann, "", "lambda", "invoke", "--function-name", "show", out)
	var fn [3]string
	if err := json.Unmarshal(must(os.ReadFile(out))(t), &fn); err != nil {
		t.Fatal(err)
	}
	if got := s.as(fn, "", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"); got != "arn:aws:sts::"+account+":assumed-role/worker/show\n" {
		t.Error(got)
	}
	s.as(fn, "(AccessDeniedException)", "lambda", "list-functions")
	s.aws("", "iam", "put-role-policy", "--role-name", "worker", "--policy-name", "list", "--policy-document", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:ListFunctions","Resource":"*"}]}`)
	s.as(fn, "", "lambda", "list-functions")

	// Another account: its root user may nothing here until the function's policy says so, and then that ARN form alone.
	stranger := s.env("--account", other)
	bob := [3]string{stranger["AWS_ACCESS_KEY_ID"], stranger["AWS_SECRET_ACCESS_KEY"]}
	arn := "arn:aws:lambda:us-east-1:" + account + ":function:show"
	s.as(bob, "because no resource-based policy allows the lambda:InvokeFunction action", "lambda", "invoke", "--function-name", arn, out)
	s.as(bob, "because no resource-based policy allows the lambda:GetFunction action", "lambda", "get-function", "--function-name", arn+"-that-is-not-there")
	s.aws("", "lambda", "add-permission", "--function-name", "show", "--statement-id", "1", "--action", "lambda:InvokeFunction", "--principal", other)
	s.as(bob, "", "lambda", "invoke", "--function-name", arn, out)
	s.as(bob, "(AccessDeniedException)", "lambda", "invoke", "--function-name", arn+":$LATEST", out)
	s.as(bob, "(AccessDeniedException)", "lambda", "get-function", "--function-name", arn)
	s.aws("", "lambda", "remove-permission", "--function-name", "show", "--statement-id", "1")
	s.as(bob, "(AccessDeniedException)", "lambda", "invoke", "--function-name", arn, out)
	if got := s.as(bob, "", "lambda", "list-functions", "--query", "length(Functions)"); strings.TrimSpace(got) != "0" {
		t.Errorf("the other account lists %s functions", got)
	}

	// Assuming a role, and what is gone with it; all of it survives kill -9.
	s.aws("", "iam", "create-role", "--role-name", "reader", "--assume-role-policy-document", strings.Replace(lambdaTrust, `"Service":"lambda.amazonaws.com"`, `"AWS":"arn:aws:iam::`+account+`:user/ann"`, 1))
	s.aws("", "iam", "attach-role-policy", "--role-name", "reader", "--policy-arn", "arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess")
	reader := keysOf(t, s.as(ann, "", "sts", "assume-role", "--role-arn", "arn:aws:iam::"+account+":role/reader", "--role-session-name", "s1"))
	s.kill()
	s = serve(t, data, "--auth", "sigv4", "--account", account+","+other)
	s.as(reader, "", "lambda", "get-function", "--function-name", "show")
	s.as(reader, "(AccessDeniedException)", "lambda", "delete-function", "--function-name", "show")
	s.aws("", "iam", "detach-role-policy", "--role-name", "reader", "--policy-arn", "arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess")
	s.aws("", "iam", "delete-role", "--role-name", "reader")
	s.as(reader, "(UnrecognizedClientException)", "lambda", "get-function", "--function-name", "show")

	// A role that is gone: the function can't run any more.
	s.aws("", "iam", "delete-role-policy", "--role-name", "worker", "--policy-name", "list")
	s.aws("", "iam", "delete-role", "--role-name", "worker")
	s.as(ann, "The role defined for the function cannot be assumed by Lambda.", "lambda", "invoke", "--function-name", "show", out)
	s.as([3]string{ann[0], "wrong"}, "(InvalidSignatureException)", "lambda", "list-functions")
	s.as([3]string{"AKIANOBODY", "wrong"}, "(UnrecognizedClientException)", "lambda", "list-functions")
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Whoever signs nothing learns nothing, except that the server is up.
func TestUnsignedRequests(t *testing.T) {
	s := serve(t, dataDir(t), "--auth", "sigv4")
	for _, path := range []string{"/2015-03-31/functions", "/nowhere", "/2015-03-31/functions/f/invocations"} {
		a := s.http("GET", path, nil, nil)
		if a.status != 403 || a.header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" || a.body != `{"message":"Missing Authentication Token"}` {
			t.Errorf("%s: %d %s %s", path, a.status, a.header, a.body)
		}
	}
	if a := s.http("GET", "/healthz", nil, nil); a.status != 200 {
		t.Errorf("healthz: %d", a.status)
	}
	if a := s.http("POST", "/", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, []byte("Action=ListUsers&Version=2010-05-08")); a.status != 403 || !strings.Contains(a.body, "<Code>MissingAuthenticationToken</Code>") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// boto3 signs in other ways too: presigned links, and requests of other regions and services.
func TestPresignedLinks(t *testing.T) {
	python := tool(t, "python3", "-c", "import boto3")
	s := serve(t, dataDir(t), "--auth", "sigv4")
	s.mustSigned("f")
	cmd := exec.Command(python, "-c", `
import boto3
client = boto3.client("lambda")
print(client.generate_presigned_url("get_function", Params={"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:f"}, ExpiresIn=60))
print(client.generate_presigned_url("get_function", Params={"FunctionName": "f", "Qualifier": "$LATEST"}, ExpiresIn=60))
`)
	cmd.Env = s.clientEnv()
	links, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range strings.Fields(string(links)) {
		for url, want := range map[string]int{link: 200, strings.Replace(link, "X-Amz-Expires=60", "X-Amz-Expires=600", 1): 403, strings.Replace(link, "functions/", "functions/x", 1): 403} {
			resp, err := http.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s: %d, want %d", url, resp.StatusCode, want)
			}
		}
	}
}

// mustSigned creates a Python function by the AWS CLI.
func (s *server) mustSigned(name string) {
	s.t.Helper()
	code := "fileb://" + write(s.t, "f.zip", zipOf(s.t, map[string]string{"app.py": "def handler(event, context): return event"}))
	s.aws("", "lambda", "create-function", "--function-name", name, "--runtime", "python3.13", "--handler", "app.handler", "--zip-file", code, "--role", "arn:aws:iam::"+account+":role/lambda_basic_execution")
}

// thaw env speaks the user's shell.
func TestEnv(t *testing.T) {
	data := dataDir(t)
	s := serve(t, data, "--auth", "sigv4", "--region", "eu-west-1")
	values := s.env()
	if values["AWS_ENDPOINT_URL"] != s.url() || values["AWS_REGION"] != "eu-west-1" || values["AWS_DEFAULT_REGION"] != "eu-west-1" || !strings.HasPrefix(values["AWS_ACCESS_KEY_ID"], "AKIA") || values["account"] != account {
		t.Errorf("%v", values)
	}
	script := `export AWS_SESSION_TOKEN=old AWS_PROFILE=old; eval "$("$0" env --data "$1")"; echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_ENDPOINT_URL ${AWS_SESSION_TOKEN-none} ${AWS_PROFILE-none}"`
	for _, shell := range []string{"sh", "bash"} {
		b, err := exec.Command(shell, "-euc", script, binary, data).Output()
		if want := values["AWS_ACCESS_KEY_ID"] + " " + values["AWS_SECRET_ACCESS_KEY"] + " " + s.url() + " none none\n"; err != nil || string(b) != want {
			t.Errorf("%s: %v %q", shell, err, b)
		}
	}
	for shell, want := range map[string]string{"fish": "set -gx AWS_REGION 'eu-west-1';", "powershell": "$Env:AWS_REGION = 'eu-west-1'"} {
		if b, err := exec.Command(binary, "env", "--data", data, "--shell", shell).Output(); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%v %s", err, b)
		}
	}
	// A new start keeps the credentials; without the file there are new ones, and the old are none any more.
	s.kill()
	s = serve(t, data, "--auth", "sigv4", "--region", "eu-west-1")
	if again := s.env(); again["AWS_SECRET_ACCESS_KEY"] != values["AWS_SECRET_ACCESS_KEY"] || again["AWS_ENDPOINT_URL"] != s.url() {
		t.Errorf("%v", again)
	}
	s.kill()
	if err := os.Remove(filepath.Join(data, "access.json")); err != nil {
		t.Fatal(err)
	}
	s = serve(t, data, "--auth", "sigv4", "--region", "eu-west-1")
	if s.env()["AWS_ACCESS_KEY_ID"] == values["AWS_ACCESS_KEY_ID"] {
		t.Error("the same key again")
	}
	s.as([3]string{values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]}, "(UnrecognizedClientException)", "lambda", "list-functions")
	if _, err := os.Stat(filepath.Join(data, "access.json")); errors.Is(err, os.ErrNotExist) {
		t.Error("no new file")
	}
}

// Calls are recorded in files of CloudTrail's kind, whatever became of them; a kill -9 loses none that was answered some time ago.
func TestAuditFiles(t *testing.T) {
	data := dataDir(t)
	s := serve(t, data, "--auth", "sigv4")
	s.mustSigned("f")
	s.aws("(ResourceNotFoundException)", "lambda", "get-function", "--function-name", "g")
	spool := filepath.Join(data, "audit", "spool", account+".jsonl")
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if b, err := os.ReadFile(spool); err == nil && bytes.Count(b, []byte("\n")) == 2 {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatal("nothing is recorded")
		}
	}
	s.kill()
	s = serve(t, data, "--auth", "sigv4")
	s.kill()
	files, err := filepath.Glob(filepath.Join(data, "audit/AWSLogs", account, "CloudTrail/us-east-1/*/*/*/"+account+"_CloudTrail_us-east-1_*.json.gz"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q %v", files, err)
	}
	out, err := exec.Command("gzip", "-dc", files[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	var trail struct {
		Records []struct {
			EventName, ErrorCode, SourceIPAddress, UserAgent string
			UserIdentity                                     struct{ Type, Arn string }
			RequestParameters                                map[string]any
		}
	}
	if err := json.Unmarshal(out, &trail); err != nil || len(trail.Records) != 2 {
		t.Fatalf("%v %s", err, out)
	}
	r := trail.Records
	if r[0].EventName != "CreateFunction20150331" || r[0].RequestParameters["functionName"] != "f" || r[0].UserIdentity.Type != "Root" || r[0].SourceIPAddress != "127.0.0.1" || !strings.Contains(r[0].UserAgent, "aws-cli") ||
		r[1].EventName != "GetFunction20150331v2" || r[1].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("%s", out)
	}
}

// testdata/identities.py goes through IAM and STS with boto3; it fails with a traceback.
func TestIdentitiesByBoto3(t *testing.T) {
	python := tool(t, "python3", "-c", "import boto3")
	s := serve(t, dataDir(t), "--auth", "sigv4")
	cmd := exec.Command(python, "testdata/identities.py")
	cmd.Env = s.clientEnv()
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), " operations\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A function calls its own server, as its role, with the boto3 that is built in.
func TestAFunctionUsesItsRole(t *testing.T) {
	s := serve(t, dataDir(t), "--auth", "sigv4", "--egress-endpoint")
	code := "fileb://" + write(t, "f.zip", zipOf(t, map[string]string{"app.py": `
import boto3
sts, lambda_ = boto3.client("sts"), boto3.client("lambda")
def handler(event, context):
    try:
        names = [f["FunctionName"] for f in lambda_.list_functions()["Functions"]]
    except lambda_.exceptions.ClientError as e:
        names = e.response["Error"]["Code"]
    return [sts.get_caller_identity()["Arn"], names]`}))
	s.aws("", "iam", "create-role", "--role-name", "worker", "--assume-role-policy-document", lambdaTrust)
	s.aws("", "lambda", "create-function", "--function-name", "f", "--runtime", "python3.13", "--handler", "app.handler", "--zip-file", code, "--role", "arn:aws:iam::"+account+":role/worker", "--timeout", "60", "--memory-size", "512")
	out := filepath.Join(t.TempDir(), "out.json")
	invoke := func(names string) {
		t.Helper()
		s.aws("", "lambda", "invoke", "--function-name", "f", out)
		if got := string(must(os.ReadFile(out))(t)); got != `["arn:aws:sts::`+account+`:assumed-role/worker/f", `+names+`]` {
			t.Error(got)
		}
	}
	invoke(`"AccessDeniedException"`)
	s.aws("", "iam", "attach-role-policy", "--role-name", "worker", "--policy-arn", "arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess")
	invoke(`["f"]`)
}
