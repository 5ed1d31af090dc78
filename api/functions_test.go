package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

var (
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$`)
	settled  = regexp.MustCompile(`"(LastModified|RevisionId)":"[^"]*"`)
	signed   = regexp.MustCompile(`"Location":"http://lambda(/_thaw/code/)[^"]*"`)
)

// golden compares a body, without what differs from run to run, with testdata/NAME.golden.json. THAW_GOLDEN=update rewrites it.
func golden(t *testing.T, name, body string) {
	t.Helper()
	body = signed.ReplaceAllString(settled.ReplaceAllString(body, `"$1":"…"`), `"Location":"…$1…"`)
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(body), "", "  "); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	indented.WriteByte('\n')
	file := "testdata/" + name + ".golden.json"
	if os.Getenv("THAW_GOLDEN") == "update" {
		if err := os.WriteFile(file, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(indented.Bytes(), want) {
		t.Errorf("%s: got\n%swant\n%s", name, indented.Bytes(), want)
	}
}

func TestConfigurationShape(t *testing.T) {
	x := newFixture(t)
	least := x.create("least", nil)
	golden(t, "create-least", least.body)
	most := x.create("arn:aws:lambda:us-east-1:123456789012:function:most", fields{
		"Description": "тест", "Timeout": 300, "MemorySize": 1536, "Environment": fields{"Variables": fields{"KEY": "välue"}}, "EphemeralStorage": fields{"Size": 1024},
		"VpcConfig": fields{"SubnetIds": []string{"subnet-1"}, "SecurityGroupIds": []string{"sg-1"}}, "DeadLetterConfig": fields{"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"},
		"TracingConfig": fields{"Mode": "Active"}, "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k", "SnapStart": fields{"ApplyOn": "PublishedVersions"},
		"LoggingConfig": fields{"LogFormat": "JSON", "LogGroup": "/my/group"}, "Tags": fields{"team": "edge"}, "Architectures": []string{"x86_64"}, "PackageType": "Zip", "Unknown": 1,
	})
	golden(t, "create-most", most.body)
	golden(t, "get-most", x.do("GET", functionsPath+"/most", nil).body)
	golden(t, "list", x.do("GET", functionsPath+"/", nil).body)
	golden(t, "versions", x.do("GET", functionsPath+"/least/versions", nil).body)

	c := decodeInto[map[string]any](t, most.body)
	if !timeForm.MatchString(c["LastModified"].(string)) || !uuidForm.MatchString(c["RevisionId"].(string)) {
		t.Errorf("LastModified %v, RevisionId %v", c["LastModified"], c["RevisionId"])
	}
	for _, action := range guide(t).Actions {
		switch action.Name {
		case "CreateFunction", "GetFunctionConfiguration", "UpdateFunctionCode", "UpdateFunctionConfiguration":
			for _, field := range action.Response {
				if _, ok := c[field]; !ok {
					t.Errorf("%s: the guide's field %s is missing", action.Name, field)
				}
			}
		}
	}
	qualified := decodeInto[map[string]any](t, x.do("GET", functionsPath+"/most/configuration?Qualifier=%24LATEST", nil).body)
	if qualified["FunctionArn"] != "arn:aws:lambda:us-east-1:123456789012:function:most:$LATEST" {
		t.Errorf("a qualified request answers %v", qualified["FunctionArn"])
	}
}

func TestUpdates(t *testing.T) {
	x := newFixture(t)
	type configuration struct {
		functionConfiguration
		RevisionId string
	}
	first := decodeInto[configuration](t, x.create("f", fields{"Environment": fields{"Variables": fields{"AA": "1"}}, "LoggingConfig": fields{"LogGroup": "/g"}}).body)

	// Only what is given changes.
	second := decodeInto[configuration](t, x.do("PUT", functionsPath+"/f/configuration", fields{"Timeout": 9, "RevisionId": first.RevisionId, "LoggingConfig": fields{"LogFormat": "JSON"}}).body)
	if second.Timeout != 9 || second.Handler != "app.handler" || second.Environment.Variables["AA"] != "1" || second.RevisionId == first.RevisionId || second.CodeSha256 != first.CodeSha256 || second.LoggingConfig != (loggingConfig{LogFormat: "JSON", LogGroup: "/g"}) {
		t.Errorf("%+v", second)
	}
	x.wantError(x.do("PUT", functionsPath+"/f/configuration", fields{"Timeout": 8, "RevisionId": first.RevisionId}), "PreconditionFailedException", "Revision Id")
	x.wantError(x.do("PUT", functionsPath+"/f/code", fields{"ZipFile": zipOf("a", "b"), "RevisionId": first.RevisionId}), "PreconditionFailedException", "Revision Id")

	// An empty map removes all variables; empty lists remove the VPC.
	if c := decodeInto[configuration](t, x.do("PUT", functionsPath+"/f/configuration", fields{"Environment": fields{"Variables": fields{}}}).body); c.Environment != nil {
		t.Errorf("variables are left: %v", c.Environment)
	}
	x.do("PUT", functionsPath+"/f/configuration", fields{"VpcConfig": fields{"SubnetIds": []string{"s"}, "SecurityGroupIds": []string{"g"}}})
	if c := decodeInto[configuration](t, x.do("PUT", functionsPath+"/f/configuration", fields{"VpcConfig": fields{"SubnetIds": []string{}, "SecurityGroupIds": []string{}}}).body); c.VpcConfig != nil {
		t.Errorf("the VPC is left: %v", c.VpcConfig)
	}

	// DryRun says what would be, and changes nothing.
	other := zipOf("app.py", "other")
	before := x.do("GET", functionsPath+"/f/configuration", nil).body
	if c := decodeInto[configuration](t, x.do("PUT", functionsPath+"/f/code", fields{"ZipFile": other, "DryRun": true}).body); c.CodeSha256 != store.HashCode(other) || c.CodeSize != int64(len(other)) {
		t.Errorf("dry run: %+v", c)
	}
	if after := x.do("GET", functionsPath+"/f/configuration", nil).body; after != before {
		t.Errorf("DryRun made %s of %s", after, before)
	}
	if c := decodeInto[configuration](t, x.do("PUT", functionsPath+"/f/code", fields{"ZipFile": other}).body); c.CodeSha256 != store.HashCode(other) || c.Timeout != 9 {
		t.Errorf("%+v", c)
	}
	x.wantError(x.do("PUT", functionsPath+"/nobody/code", fields{"ZipFile": other}), "ResourceNotFoundException", "function:nobody")

	if a := x.do("DELETE", functionsPath+"/f", nil); a.status != 204 || a.body != "" {
		t.Errorf("delete: %d %q", a.status, a.body)
	}
	x.wantError(x.do("DELETE", functionsPath+"/f", nil), "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:123456789012:function:f")
}

func TestValidation(t *testing.T) {
	x := newFixture(t)
	vars := func(kv ...string) fields {
		m := fields{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return fields{"Environment": fields{"Variables": m}}
	}
	many := func(n int) (list []string) {
		for i := range n {
			list = append(list, "s-"+strconv.Itoa(i))
		}
		return list
	}
	for name, c := range map[string]struct {
		changes fields
		want    string // the whole message
	}{
		"name": {fields{"FunctionName": "a b"}, "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + functionNamePattern},
		"everything": {fields{"FunctionName": "a b", "Role": "r", "Handler": "h h", "Timeout": 0, "MemorySize": 64, "Runtime": nil, "Description": strings.Repeat("я", 257)},
			"7 validation errors detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1; " +
				"Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128; " +
				"Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + functionNamePattern + "; " +
				"Value 'h h' at 'handler' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\\s]+; " +
				"Value 'r' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: " + rolePattern + "; " +
				"Value '" + strings.Repeat("я", 257) + "' at 'description' failed to satisfy constraint: Member must have length less than or equal to 256; " +
				"Value null at 'runtime' failed to satisfy constraint: Member must not be null"},
		"runtime":       {fields{"Runtime": "nodejs99"}, "Value nodejs99 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [python3.12, python3.13] or be a valid ARN"},
		"other runtime": {fields{"Runtime": "nodejs22.x"}, "Runtime nodejs22.x is not available on this server. Available: [python3.12, python3.13]"},
		"memory step":   {fields{"MemorySize": 130}, "1 validation error detected: Value '130' at 'memorySize' failed to satisfy constraint: Member must be a multiple of 64"},
		"variable":      {vars("1A", "x"), "1 validation error detected: Value '1A' at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"},
		"reserved":      {vars("AWS_REGION", "x"), "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"},
		"environment":   {vars("KEY", strings.Repeat("v", 4096-2)), "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit."},
		"subnets":       {fields{"VpcConfig": fields{"SubnetIds": many(17), "SecurityGroupIds": many(1)}}, "1 validation error detected: Value '[" + strings.Join(many(17), ", ") + "]' at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must have length less than or equal to 16"},
		"half a VPC":    {fields{"VpcConfig": fields{"SubnetIds": many(1)}}, "At least one subnet and one security group are required for a VPC configuration."},
		"tracing":       {fields{"TracingConfig": fields{"Mode": "On"}}, "1 validation error detected: Value 'On' at 'tracingConfig.mode' failed to satisfy constraint: Member must satisfy enum value set: [Active, PassThrough]"},
		"dead letters":  {fields{"DeadLetterConfig": fields{"TargetArn": "queue"}}, "1 validation error detected: Value 'queue' at 'deadLetterConfig.targetArn' failed to satisfy constraint: Member must satisfy regular expression pattern: " + arnPattern},
		"log group":     {fields{"LoggingConfig": fields{"LogGroup": "a b"}}, "1 validation error detected: Value 'a b' at 'loggingConfig.logGroup' failed to satisfy constraint: Member must satisfy regular expression pattern: " + logGroupPattern},
		"tags":          {fields{"Tags": fields{"aws:x": "y"}}, `Tag "aws:x" is not valid: keys have 1 to 128 characters and don't begin with aws:, values at most 256`},
		"qualifier":     {fields{"FunctionName": "f:1"}, "The function name can't have a qualifier."},
		"arm":           {fields{"Architectures": []string{"arm64"}}, "Architecture arm64 is not supported: code runs as x86_64."},
		"layers":        {fields{"Layers": []string{"arn:aws:lambda:us-east-1:123456789012:layer:l:1"}}, "Layer version arn:aws:lambda:us-east-1:123456789012:layer:l:1 does not exist."},
		"not a zip":     {fields{"Code": fields{"ZipFile": []byte("zip")}}, "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"empty":         {fields{"Code": fields{"ZipFile": []byte{}}}, "Uploaded file must be a non-empty zip"},
		"S3":            {fields{"Code": fields{"S3Bucket": "bucket", "S3Key": "k"}}, "No S3 endpoint is configured on this server: provide the code in ZipFile."},
		"tenants":       {fields{"TenancyConfig": fields{"TenantIsolationMode": "PER_TENANT"}}, "Tenant isolation is not supported by this server: tag the function thaw:isolation=request to reset it after every call."},
		"file systems":  {fields{"FileSystemConfigs": []fields{{"Arn": "x"}}}, "File systems are not supported by this server."},
		"package type":  {fields{"PackageType": "Tar"}, "1 validation error detected: Value 'Tar' at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Zip, Image]"},
	} {
		a := x.do("POST", functionsPath, creation("f", c.changes))
		x.wantError(a, "InvalidParameterValueException", "")
		if got := decodeInto[map[string]string](t, a.body)["message"]; got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
	x.wantError(x.do("POST", functionsPath, `{"FunctionName":`), "InvalidRequestContentException", "Could not parse request body into json: unexpected end of JSON input")
	x.wantError(x.do("POST", functionsPath, `{"Timeout":"3"}`), "SerializationException", "STRING_VALUE can not be converted to an Integer")
	x.wantError(x.do("POST", functionsPath, `{"Handler":["a"]}`), "SerializationException", "Start of list found where not expected.")
	x.wantError(x.do("POST", functionsPath, `{"Handler":{"a":1}}`), "SerializationException", "Start of structure or map found where not expected.")
	x.wantError(x.do("POST", functionsPath, `{"VpcConfig":true}`), "SerializationException", "BOOL_VALUE can not be converted to a structure or map")
	x.wantError(x.do("POST", functionsPath, `{"Code":{"ZipFile":7}}`), "SerializationException", "NUMBER_VALUE can not be converted to a Blob")
	x.wantError(x.do("PUT", functionsPath+"/f/code", `{"ZipFile":7}`), "SerializationException", "NUMBER_VALUE can not be converted to a Blob")
	x.wantError(x.do("POST", functionsPath, `{"Code":{"ZipFile":"***"}}`), "InvalidRequestContentException", "not base64")
	x.wantError(x.do("POST", functionsPath, creation("arn:aws:lambda:eu-west-1:123456789012:function:f", nil)), "AccessDeniedException", "us-east-1")
	x.wantError(x.do("GET", functionsPath+"/f:1?Qualifier=2", nil), "InvalidParameterValueException", "does not match")
	x.wantError(x.do("GET", functionsPath+"?MaxItems=10001", nil), "InvalidParameterValueException", "maxItems")
	x.wantError(x.do("GET", functionsPath+"?MaxItems=x", nil), "InvalidParameterValueException", "MaxItems")
	x.wantError(x.do("GET", functionsPath+"?FunctionVersion=1", nil), "InvalidParameterValueException", "functionVersion")
	if u := x.store.Usage("123456789012", "us-east-1"); u != (store.Usage{}) {
		t.Errorf("refused requests left %+v", u)
	}
	x.create("f", nil)
	x.wantError(x.do("POST", functionsPath, creation("f", nil)), "ResourceConflictException", "Function already exist: f")
}

func TestLimits(t *testing.T) {
	guideLimits, err := LimitsPreset("guide")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Limits{128, 1536, 64, 300, 100, 6291456, 131072, 52428800, 262144000, 80530636800, 4096, 512, 10240}); guideLimits != want {
		t.Errorf("guide: %+v", guideLimits)
	}
	current, err := LimitsPreset("current")
	if want := (Limits{128, 10240, 1, 900, 1000, 6291456, 262144, 52428800, 262144000, 80530636800, 4096, 512, 10240}); err != nil || current != want {
		t.Errorf("current: %+v, %v", current, err)
	}
	if _, err := LimitsPreset("none"); err == nil {
		t.Error("an unknown preset passes")
	}

	x := newFixture(t, func(c *Config) { c.Limits.ZippedSize, c.Limits.UnzippedSize, c.Limits.SyncPayload = 3000, 5000, 1000 })
	for name, ok := range map[string]fields{
		"least": {"MemorySize": 128, "Timeout": 1}, "most": {"MemorySize": 1536, "Timeout": 300}, "description": {"Description": strings.Repeat("я", 256)},
		"handler": {"Handler": strings.Repeat("h", 128)}, "environment": {"Environment": fields{"Variables": fields{"KEY": strings.Repeat("v", 4096-3)}}},
		strings.Repeat("n", 64): nil,
	} {
		x.create(name, ok)
	}
	for _, bad := range []fields{{"MemorySize": 1600}, {"MemorySize": 127}, {"Timeout": 301}, {"Handler": strings.Repeat("h", 129)}, {"EphemeralStorage": fields{"Size": 511}}} {
		x.wantError(x.do("POST", functionsPath, creation("bad", bad)), "InvalidParameterValueException", "1 validation error detected")
	}
	x.wantError(x.do("POST", functionsPath, creation("bad", fields{"Code": fields{"ZipFile": zipOf("a", strings.Repeat("0", 5001))}})), "InvalidParameterValueException", "Unzipped size must be smaller than 5000 bytes")
	x.wantError(x.do("POST", functionsPath, creation("bad", fields{"Code": fields{"ZipFile": bytes.Repeat([]byte("0"), 3001)}})), "RequestEntityTooLargeException", "Zipped size must be smaller than 3000 bytes")

	// Bodies are limited by operation before they are read, and the answer reaches a client that is still sending.
	if a := x.invoke("least", `"`+strings.Repeat("a", 998)+`"`); a.status != 200 || len(a.body) != 1000 {
		t.Errorf("an event at the limit: %d, %d bytes", a.status, len(a.body))
	}
	for _, size := range []int{1001, 100 << 10, 20 << 20} {
		x.wantError(x.invoke("least", strings.Repeat("1", size)), "RequestTooLargeException", "Request must be smaller than 1000 bytes for the InvokeFunction operation")
	}
	huge := strings.Repeat(" ", 2<<20)
	x.wantError(x.do("PUT", functionsPath+"/least/configuration", huge), "RequestEntityTooLargeException", "for the UpdateFunctionConfiguration operation")
	x.wantError(x.do("POST", functionsPath, huge), "RequestEntityTooLargeException", "for the CreateFunction operation")
	x.wantError(x.do("POST", "/nothing", huge), "RequestEntityTooLargeException", "")
	if a := x.invoke("least", `1`); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestCodeStorageLimit(t *testing.T) {
	code := func(n int) fields { return fields{"ZipFile": zipOf("app.py", strings.Repeat("x", n))} }
	size := int64(len(code(10)["ZipFile"].([]byte)))
	x := newFixture(t, func(c *Config) { c.Limits.CodeStorage = 2*size + 1 })
	x.create("a", fields{"Code": code(10)})
	x.create("b", fields{"Code": code(10)}) // the same package is stored once and counts twice, as at Lambda
	x.wantError(x.do("POST", functionsPath, creation("c", fields{"Code": code(10)})), "CodeStorageExceededException", "Code storage limit exceeded.")
	if _, ok := x.store.Function("123456789012", "us-east-1", "c"); ok {
		t.Error("stored all the same")
	}
	// An update gives back what it replaces.
	if a := x.do("PUT", functionsPath+"/a/code", code(10)); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	large := fields{"ZipFile": zipOf(strings.Repeat("long", 20)+".py", "x")}
	x.wantError(x.do("PUT", functionsPath+"/a/code", large), "CodeStorageExceededException", "Code storage limit exceeded.")
	x.do("DELETE", functionsPath+"/a", nil)
	x.create("c", fields{"Code": code(10)})
	settings := decodeInto[struct {
		AccountLimit struct{ TotalCodeSize, ConcurrentExecutions int64 }
		AccountUsage struct{ TotalCodeSize, FunctionCount int64 }
	}](t, x.do("GET", "/2016-08-19/account-settings/", nil).body)
	if settings.AccountUsage.TotalCodeSize != 2*size || settings.AccountUsage.FunctionCount != 2 || settings.AccountLimit.TotalCodeSize != 2*size+1 || settings.AccountLimit.ConcurrentExecutions != 100 {
		t.Errorf("%+v", settings)
	}
}

func TestCodeLink(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	link := func() *url.URL {
		got := decodeInto[struct {
			Code struct{ Location, RepositoryType string }
		}](t, x.do("GET", functionsPath+"/f", nil).body)
		u, err := url.Parse(got.Code.Location)
		if err != nil || got.Code.RepositoryType != "S3" {
			t.Fatalf("%+v, %v", got, err)
		}
		return u
	}
	u := link()
	a := x.do("GET", u.RequestURI(), nil)
	if a.status != 200 || a.body != string(zipOf("app.py", "f")) || a.header.Get("Content-Type") != "application/zip" {
		t.Errorf("%d %d bytes, %v", a.status, len(a.body), a.header)
	}
	at, err := strconv.ParseInt(u.Query().Get("Expires"), 10, 64)
	if left := time.Until(time.Unix(at, 0)); err != nil || left > 10*time.Minute || left < 9*time.Minute {
		t.Errorf("the link works for %v (%v)", left, err)
	}
	f, _ := x.store.Function("123456789012", "us-east-1", "f")
	past := strconv.FormatInt(time.Now().Add(-time.Second).Unix(), 10)
	for name, c := range map[string]struct{ expires, signature, want string }{
		"later":       {strconv.FormatInt(at+1, 10), u.Query().Get("Signature"), "not valid"},
		"no sign":     {strconv.FormatInt(at, 10), "", "not valid"},
		"not a time":  {"x", x.api.signCode(f.Latest.CodeSHA256, "x"), "not valid"},
		"out of date": {past, x.api.signCode(f.Latest.CodeSHA256, past), "Request has expired"},
	} {
		t.Run(name, func(*testing.T) {
			q := url.Values{"Expires": {c.expires}, "Signature": {c.signature}}
			x.wantError(x.do("GET", u.EscapedPath()+"?"+q.Encode(), nil), "AccessDeniedException", c.want)
		})
	}
	x.wantError(x.do("POST", u.RequestURI(), nil), "MethodNotAllowedException", "GET")
	x.do("PUT", functionsPath+"/f/code", fields{"ZipFile": zipOf("app.py", "new")})
	x.wantError(x.do("GET", u.RequestURI(), nil), "ResourceNotFoundException", "not stored any more")
	if a := x.do("GET", link().RequestURI(), nil); a.body != string(zipOf("app.py", "new")) {
		t.Errorf("%d %d bytes", a.status, len(a.body))
	}
}

func TestPages(t *testing.T) {
	x := newFixture(t)
	for i := range 5 {
		x.create(fmt.Sprint("f", i), nil)
	}
	type list struct {
		Functions  []functionConfiguration
		NextMarker string
	}
	page := decodeInto[list](t, x.do("GET", functionsPath+"?MaxItems=2", nil).body)
	x.do("DELETE", functionsPath+"/"+page.NextMarker, nil) // the marker stays good
	x.create("f00", nil)                                   // behind the reader: not seen
	next := decodeInto[list](t, x.do("GET", functionsPath+"?MaxItems=10000&Marker="+page.NextMarker, nil).body)
	if len(page.Functions) != 2 || len(next.Functions) != 3 || next.Functions[0].FunctionName != "f2" || next.NextMarker != "" {
		t.Errorf("%+v, %+v", page, next)
	}
}

// Whatever the order of updates, invocations and deletions, the engine ends with what the store has.
func TestTheEngineFollowsTheStore(t *testing.T) {
	x := newFixture(t)
	x.engine.serve = func(f engine.Function, _ *engine.Request, resp *engine.Response) error {
		if _, err := f.Code(t.Context()); err != nil { // replaced since it was deployed
			return fmt.Errorf("fetch code: %w", err)
		}
		resp.Payload = append(resp.Payload, "1"...)
		return nil
	}
	x.create("f", nil)
	for round := range 30 {
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				if a := x.do("PUT", functionsPath+"/f/code", fields{"ZipFile": zipOf("app.py", fmt.Sprint(round, i))}); a.status != 200 && a.status != 404 {
					t.Errorf("update: %d %s", a.status, a.body)
				}
			})
			all.Go(func() {
				if a := x.invoke("f", `{}`); a.status != 200 && a.status != 404 {
					t.Errorf("invoke: %d %s", a.status, a.body)
				}
			})
		}
		if round%3 == 0 {
			all.Go(func() { x.do("DELETE", functionsPath+"/f", nil) })
		}
		all.Wait()
		f, stored := x.store.Function("123456789012", "us-east-1", "f")
		revision, deployed := x.engine.Deployed(x.api.key("123456789012", "f"))
		if deployed && (!stored || !strings.HasPrefix(revision, f.Latest.RevisionID+" ")) {
			t.Fatalf("round %d: revision %s is deployed, stored is %+v", round, revision, f)
		}
		if !stored {
			x.create("f", nil)
		}
	}
}

func TestReservedConcurrency(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	x.create("g", nil)
	path := func(name string) string { return "/2017-10-31/functions/" + name + "/concurrency" }
	if a := x.do("PUT", path("f"), fields{"ReservedConcurrentExecutions": 60}); a.status != 200 || a.body != `{"ReservedConcurrentExecutions":60}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.wantError(x.do("PUT", path("g"), fields{"ReservedConcurrentExecutions": 40}), "InvalidParameterValueException", "below its minimum value")
	x.wantError(x.do("PUT", path("g"), fields{}), "InvalidParameterValueException", "Value null at 'reservedConcurrentExecutions'")
	x.invoke("f", "1")
	if f := x.engine.deployed[x.api.key("123456789012", "f")]; f.Reserved != 60 {
		t.Errorf("deployed with %d", f.Reserved)
	}
	if a := x.do("DELETE", path("f"), nil); a.status != 204 {
		t.Errorf("%d", a.status)
	}
	if f := x.engine.deployed[x.api.key("123456789012", "f")]; f.Reserved != -1 {
		t.Errorf("deployed with %d", f.Reserved)
	}
	if a := x.do("GET", "/2019-09-30/functions/f/concurrency", nil); a.body != `{}` {
		t.Errorf("%s", a.body)
	}
}

func TestTags(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Tags": fields{"a": "1"}})
	const path = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af"
	if a := x.do("POST", path, fields{"Tags": fields{"b": "2", "c": "3"}}); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := x.do("DELETE", path+"?tagKeys=a&tagKeys=b", nil); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := x.do("GET", path, nil); a.body != `{"Tags":{"c":"3"}}` {
		t.Errorf("%s", a.body)
	}
	x.wantError(x.do("GET", path+"%3A1", nil), "InvalidParameterValueException", "aliases and versions")
	x.wantError(x.do("GET", "/2017-03-31/tags/f", nil), "InvalidParameterValueException", "not the ARN")
	x.wantError(x.do("GET", path+"g", nil), "ResourceNotFoundException", "function:fg")
}

// An update or a deletion that comes between an invocation's look-up and its deploy is not undone by that.
func TestChangesDuringAFirstInvocation(t *testing.T) {
	x := newFixture(t)
	x.engine.serve = func(f engine.Function, _ *engine.Request, resp *engine.Response) error {
		resp.Payload = append(resp.Payload, strconv.Quote(f.CodeSHA256)...)
		return nil
	}
	newer := zipOf("app.py", "newer")
	x.create("f", nil)
	x.engine.missing = func() { x.do("PUT", functionsPath+"/f/code", fields{"ZipFile": newer}) }
	for range 2 {
		if a := x.invoke("f", `{}`); a.body != strconv.Quote(store.HashCode(newer)) {
			t.Errorf("served by other code: %d %s", a.status, a.body)
		}
	}
	x.create("g", nil)
	x.engine.missing = func() { x.do("DELETE", functionsPath+"/g", nil) }
	x.wantError(x.invoke("g", `{}`), "ResourceNotFoundException", "function:g")
	if _, ok := x.engine.Deployed(x.api.key("123456789012", "g")); ok {
		t.Error("a deleted function is deployed")
	}
}

// After a restart everything is there, and functions are deployed when they are first invoked.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := newFixture(t, func(c *Config) { c.Store = st })
	x.create("f", nil)
	before := x.do("GET", functionsPath+"/f/configuration", nil).body
	if err := errors.Join(st.Close(), st.Close()); err != nil {
		t.Fatal(err)
	}
	if st, err = store.Open(dir, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	x = newFixture(t, func(c *Config) { c.Store = st })
	if after := x.do("GET", functionsPath+"/f/configuration", nil).body; after != before {
		t.Errorf("%s, before %s", after, before)
	}
	if x.engine.deploys != 0 {
		t.Errorf("%d deploys before the first invocation", x.engine.deploys)
	}
	for range 2 {
		if a := x.invoke("f", `{"a":1}`); a.status != 200 || a.body != `{"a":1}` {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if x.engine.deploys != 1 {
		t.Errorf("%d deploys after it", x.engine.deploys)
	}
}

func TestRetiredRuntimes(t *testing.T) {
	x := newFixture(t)
	x.create("old", fields{"Runtime": "python3.12"})
	x.api.cfg.RetiredRuntimes = []string{"python3.12"}
	x.wantError(x.do("POST", functionsPath, creation("new", fields{"Runtime": "python3.12"})), "InvalidParameterValueException", "The runtime parameter of python3.12 is no longer supported")
	x.create("new", nil)
	x.wantError(x.do("PUT", functionsPath+"/new/configuration", fields{"Runtime": "python3.12"}), "InvalidParameterValueException", "no longer supported")
	// Functions that have it go on, and can be changed otherwise.
	if a := x.do("PUT", functionsPath+"/old/configuration", fields{"Runtime": "python3.12", "Timeout": 5}); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := x.invoke("old", "{}"); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
