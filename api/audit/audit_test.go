package audit

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "999999999999"
	region  = "us-east-1"
)

// denied is the guide's example of a denied call.
func denied() *Event {
	return &Event{
		Time: time.Date(2015, 3, 18, 19, 3, 36, 5, time.UTC), Source: "lambda.amazonaws.com", Name: "GetFunction", Account: account, SourceIP: "127.0.0.1", UserAgent: "Python-httplib2/0.8 (gzip)",
		RequestID: "7aebcd0f-cda1-11e4-aaa2-e356da31e4ff", EventID: "e92a3e85-8ecd-4d23-8074-843aabfe89bf", ErrorCode: AccessDenied,
		Identity:     &Identity{Type: "IAMUser", PrincipalID: "A1B2C3D4E5F6G7EXAMPLE", ARN: "arn:aws:iam::999999999999:user/myUserName", AccountID: account, AccessKeyID: "AKIAIOSFODNN7EXAMPLE", UserName: "myUserName"},
		ErrorMessage: "User: arn:aws:iam::999999999999:user/myUserName is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:us-west-2:999999999999:function:other-acct-function",
		Parameters:   []Parameter{{"FunctionName", "other-acct-function"}},
	}
}

// deleted is the guide's example of a call that succeeded.
func deleted() *Event {
	e := denied()
	e.Time, e.Name, e.ErrorCode, e.ErrorMessage = time.Date(2015, 3, 18, 19, 4, 42, 0, time.UTC), "DeleteFunction", "", ""
	e.RequestID, e.EventID, e.Parameters = "a2198ecc-cda1-11e4-aaa2-e356da31e4ff", "20b84ce5-730f-482e-b2b2-e8fcc87ceb22", []Parameter{{"FunctionName", "basic-node-task"}}
	return e
}

func open(t *testing.T, c Config) *Trail {
	t.Helper()
	c.Region = region
	trail, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trail.Close)
	return trail
}

// delivered reads the delivered files below a folder, by name.
func delivered(t *testing.T, dir string) (names []string, records []map[string]any) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/CloudTrail/*/*/*/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		var f struct{ Records []map[string]any }
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		names, records = append(names, name), append(records, f.Records...)
	}
	return names, records
}

// The guide's file, from the guide's calls (rows TRAIL-23…41).
func TestTheGuidesRecords(t *testing.T) {
	dir := t.TempDir()
	trail := open(t, Config{Dir: dir})
	trail.Record(denied())
	trail.Record(deleted())
	trail.Close()
	text, err := os.ReadFile("testdata/cloudtrail-records.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Records []map[string]any }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	names, got := delivered(t, dir)
	if diff := cmp.Diff(want.Records, got); diff != "" {
		t.Error(diff)
	}
	now := time.Now().UTC()
	form := regexp.MustCompile(`AWSLogs/999999999999/CloudTrail/us-east-1/\d{4}/\d\d/\d\d/999999999999_CloudTrail_us-east-1_` + now.Format("2006") + `\d{4}T\d{4}Z_[A-Z0-9]{16}\.json\.gz$`)
	if len(names) != 1 || !form.MatchString(names[0]) {
		t.Errorf("%q", names)
	}
	if info, err := os.Stat(names[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "spool")); err != nil || len(left) != 0 {
		t.Errorf("%v left in the spool, %v", left, err)
	}
}

func TestElements(t *testing.T) {
	e := deleted()
	e.Name = "CreateFunction20150331"
	e.Parameters = []Parameter{{"Qualifier", "1"}, {"UUID", "u"}}
	e.Body = WithoutPackage([]byte(`{"FunctionName":"f","Code":{"ZipFile" : "UEsDBA==","S3Key":"k"},"Environment":{"Variables":{"SECRET":"x"}},"Tags":{"Team":"Edge"},"VpcConfig":{"SubnetIds":["a"]},"Timeout":3,"Layers":[{"Arn":"x"}]}`))
	e.Response = []byte(`{"FunctionArn":"arn","Environment":{"Variables":{"SECRET":"x"}},"CodeSize":12345678901234567}`)
	b, err := e.marshal(region)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"requestParameters":{"code":{"s3Key":"k"},"environment":{},"functionName":"f","layers":[{"arn":"x"}],"qualifier":"1","tags":{"Team":"Edge"},"timeout":3,"uUID":"u","vpcConfig":{"subnetIds":["a"]}}`,
		`"responseElements":{"codeSize":12345678901234567,"environment":{},"functionArn":"arn"}`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %s", b, want)
		}
	}
	if strings.Contains(string(b), "SECRET") || strings.Contains(string(b), "UEsDBA") {
		t.Errorf("%s", b)
	}
}

func TestWithoutPackage(t *testing.T) {
	for body, want := range map[string]string{
		`{"ZipFile":"abc","DryRun":true}`:          `{"ZipFile":"","DryRun":true}`,
		`{"ZipFile" :  "a\"b\\" ,"x":1}`:           `{"ZipFile":"" ,"x":1}`,
		`{"Description":"ZipFile"}`:                `{"Description":"ZipFile"}`,
		`{"Description":"\"ZipFile\":\"secret"}`:   `{"Description":"\"ZipFile\":\"secret"}`,
		`{"ZipFile":null}`:                         `{"ZipFile":null}`,
		`{"ZipFile":"cut off`:                      `{"ZipFile"`,
		`{"a":{"ZipFile":"1"},"b":{"ZipFile":""}}`: `{"a":{"ZipFile":""},"b":{"ZipFile":""}}`,
		``: ``,
	} {
		if got := string(WithoutPackage([]byte(body))); got != want {
			t.Errorf("%s: %s", body, got)
		}
	}
}

// What a killed process left is delivered by the next one, but for the line that it didn't end.
func TestSpoolsAreDelivered(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "spool", account+".jsonl"), []byte("{\"eventID\":\"1\"}\n{\"eventID\":\"2\"}\n{\"eventID\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Dir: dir})
	if _, got := delivered(t, dir); len(got) != 2 || got[1]["eventID"] != "2" {
		t.Errorf("%v", got)
	}
}

// Spools end by age and by size; accounts have files of their own; every record comes once.
func TestRotation(t *testing.T) {
	for name, c := range map[string]Config{"size": {Size: 2000}, "age": {Every: 20 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			c.Dir = t.TempDir()
			trail := open(t, c)
			var wg sync.WaitGroup
			for _, who := range []string{account, "111111111111"} {
				wg.Go(func() {
					for range 50 {
						e := deleted()
						e.Account = who
						trail.Record(e)
						time.Sleep(time.Millisecond)
					}
				})
			}
			wg.Wait()
			trail.Close()
			trail.Record(deleted()) // does nothing
			names, got := delivered(t, c.Dir)
			if len(got) != 100 || len(names) < 4 {
				t.Errorf("%d records in %d files", len(got), len(names))
			}
		})
	}
}

func TestStream(t *testing.T) {
	var b bytes.Buffer
	trail := open(t, Config{Stream: slog.New(slog.NewJSONHandler(&b, nil))})
	trail.Record(denied())
	trail.Close()
	var line struct {
		Msg    string
		Record map[string]any
	}
	if err := json.Unmarshal(b.Bytes(), &line); err != nil || line.Msg != "cloudtrail" || line.Record["eventName"] != "GetFunction" || line.Record["requestParameters"] != nil {
		t.Errorf("%v %s", err, &b)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"FunctionName":"f","Code":{"ZipFile":"UEsD"}}`), "agent")
	f.Fuzz(func(t *testing.T, body []byte, agent string) {
		e := deleted()
		e.Body, e.Response, e.UserAgent = WithoutPackage(body), body, agent
		b, err := e.marshal(region)
		if err != nil || !json.Valid(b) || bytes.ContainsRune(b, '\n') {
			t.Fatalf("%v %q", err, b)
		}
	})
}

func BenchmarkMarshal(b *testing.B) {
	e := deleted()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.marshal(region); err != nil {
			b.Fatal(err)
		}
	}
}
