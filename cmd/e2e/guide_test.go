package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The guide's Python programs that run on Python 3 give what they give natively (recorded with CPython 3.11.7).
func TestGuideHandlers(t *testing.T) {
	cases := []struct{ file, handler, event, expected string }{
		{"python-hello_python.py", "my_handler", "python-hello.json", "hello"},
		{"python-get_my_log_stream.py", "get_my_log_stream", "hello-world.json", "ctx"},
		{"python-my_logging_handler.py", "my_logging_handler", "hello-world.json", "my_logging"},
		{"python-my_other_logging_handler.py", "my_other_logging_handler", "hello-world.json", "my_other"},
		{"python-always_failed_handler.py", "always_failed_handler", "hello-world.json", "always_failed"},
		{"python-ProcessKinesisRecords.py", "lambda_handler", "tutorial-kinesis.json", "kinesis"},
		{"python-ProcessDynamoDBStream.py", "lambda_handler", "tutorial-dynamodb.json", "ddb"},
		{"python-LambdaWithSNS.py", "lambda_handler", "sns.json", "sns"},
		{"python-hello-world-blueprint.RECONSTRUCTED.py", "lambda_handler", "hello-world.json", "blueprint"},
	}
	s := serve(t, dataDir(t))
	for _, c := range cases {
		t.Run(c.expected, func(t *testing.T) {
			source, err := os.ReadFile(filepath.Join("testdata", "handlers", c.file))
			if err != nil {
				t.Fatal(err)
			}
			event, err := os.ReadFile(filepath.Join("testdata", "events", c.event))
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Result json.RawMessage
				Error  *struct{ ErrorMessage, ErrorType string }
				Logs   []string
			}
			b, err := os.ReadFile(filepath.Join("testdata", "expected", "python-"+c.expected+".py3.11.7.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			s.t = t
			name := "guide-" + c.expected
			s.mustCreate(name, "lambda_function."+c.handler, zipOf(t, map[string]string{"lambda_function.py": string(source)}), map[string]any{"Timeout": 15})
			a := s.invoke(name, string(event), map[string]string{"X-Amz-Log-Type": "Tail"})
			if a.status != 200 {
				t.Fatalf("status %d: %s", a.status, a.body)
			}
			if want.Error != nil {
				var got struct {
					ErrorMessage, ErrorType string
					StackTrace              []string
				}
				if err := json.Unmarshal([]byte(a.body), &got); err != nil {
					t.Fatalf("%v: %s", err, a.body)
				}
				if a.header.Get("X-Amz-Function-Error") != "Unhandled" || got.ErrorMessage != want.Error.ErrorMessage || got.ErrorType != want.Error.ErrorType {
					t.Errorf("%+v, want %+v", got, *want.Error)
				}
				if len(got.StackTrace) == 0 || !strings.Contains(got.StackTrace[0], `File "/var/task/lambda_function.py", line `) || !strings.Contains(got.StackTrace[0], "in "+c.handler) {
					t.Errorf("stack trace %q", got.StackTrace)
				}
			} else if a.header.Get("X-Amz-Function-Error") != "" || !sameJSON(t, a.body, string(want.Result)) {
				t.Errorf("result %s (%s), want %s", a.body, a.header.Get("X-Amz-Function-Error"), want.Result)
			}
			log, err := base64.StdEncoding.DecodeString(a.header.Get("X-Amz-Log-Result"))
			if err != nil {
				t.Fatal(err)
			}
			rest := string(log)
			for _, line := range want.Logs {
				line, _, _ = strings.Cut(line, ": LS") // names and times of the recording machine
				for _, cut := range []string{"/aws/lambda/fn", "RID", "1999"} {
					line, _, _ = strings.Cut(line, cut)
				}
				_, after, found := strings.Cut(rest, line)
				if !found {
					t.Errorf("log lacks %q in its place:\n%s", line, log)
				}
				rest = after
			}
			if c.expected == "my_logging" && (!strings.Contains(string(log), "[INFO]\t") || !strings.Contains(string(log), "\tgot event{") || !strings.Contains(string(log), "[ERROR]\t")) {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatalf("%v: %s", err, a)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	ax, _ := json.Marshal(x)
	by, _ := json.Marshal(y)
	return string(ax) == string(by)
}
