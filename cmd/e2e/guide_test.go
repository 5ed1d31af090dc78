package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The guide's programs, with its events, give what they give natively: recorded with CPython 2.7.18, CPython 3.11.7
// and Node.js 20.20.2.
func TestGuideHandlers(t *testing.T) {
	type program struct{ runtime, file, handler, event, expected string }
	python := func(runtime, recorded string) func(file, function, event, expected string) program {
		return func(file, function, event, expected string) program {
			return program{runtime, "testdata/handlers/python-" + file + ".py", "lambda_function." + function, event, "testdata/expected/python-" + expected + "." + recorded + ".json"}
		}
	}
	const nodeData = "../../runtimes/nodejs/testdata/"
	node := func(file, handler, event string) program {
		return program{"nodejs4.3", nodeData + "handlers/node-" + file + ".js", handler, event, nodeData + "expected/node-" + file + ".json"}
	}
	var cases []program
	for runtime, recorded := range map[string]string{"python2.7": "py2.7.18", "python3.13": "py3.11.7"} {
		python := python(runtime, recorded)
		cases = append(cases,
			python("hello_python", "my_handler", "python-hello", "hello"),
			python("get_my_log_stream", "get_my_log_stream", "hello-world", "ctx"),
			python("my_logging_handler", "my_logging_handler", "hello-world", "my_logging"),
			python("my_other_logging_handler", "my_other_logging_handler", "hello-world", "my_other"),
			python("always_failed_handler", "always_failed_handler", "hello-world", "always_failed"),
			python("ProcessKinesisRecords", "lambda_handler", "repaired/tutorial-kinesis", "kinesis"),
			python("ProcessDynamoDBStream", "lambda_handler", "tutorial-dynamodb", "ddb"),
			python("LambdaWithSNS", "lambda_handler", "sns", "sns"),
			python("hello-world-blueprint.RECONSTRUCTED", "lambda_handler", "hello-world", "blueprint"),
		)
	}
	cases = append(cases,
		node("helloworld-myHandler", "helloworld.myHandler", "hello-world"),
		node("context", "index.handler", "hello-world"),
		node("logging", "index.handler", "hello-world"),
		node("exception", "index.handler", "hello-world"),
		node("alias-helloworld", "helloworld.handler", "hello-world"),
		node("ProcessKinesisRecords", "index.handler", "repaired/tutorial-kinesis"),
		node("ProcessDynamoDBStream", "index.handler", "tutorial-dynamodb"),
		node("LambdaWithSNS", "index.handler", "sns"),
	)
	s := serve(t, dataDir(t))
	for _, c := range cases {
		name := strings.TrimSuffix(filepath.Base(c.file), filepath.Ext(c.file))
		t.Run(c.runtime+"/"+name, func(t *testing.T) {
			read := func(file string) []byte {
				t.Helper()
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			source, event := read(c.file), read(filepath.Join("testdata", "events", c.event+".json"))
			var want struct {
				Result json.RawMessage
				Error  *struct{ ErrorMessage, ErrorType string }
				Logs   []string
			}
			if err := json.Unmarshal(read(c.expected), &want); err != nil {
				t.Fatal(err)
			}
			s.t = t
			module, function, _ := strings.Cut(c.handler, ".")
			inPackage, failure := module+".py", "Unhandled"
			if filepath.Ext(c.file) == ".js" {
				inPackage, failure = module+".js", "Handled" // by callback(err)
			}
			name := "guide-" + strings.ReplaceAll(c.runtime+"-"+name, ".", "-")
			s.mustCreate(name, c.handler, zipOf(t, map[string]string{inPackage: string(source)}), map[string]any{"Timeout": 15, "Runtime": c.runtime})
			a := s.invoke(name, string(event), map[string]string{"X-Amz-Log-Type": "Tail"})
			if a.status != 200 {
				t.Fatalf("status %d: %s", a.status, a.body)
			}
			if want.Error != nil {
				var got struct {
					ErrorMessage, ErrorType string
					StackTrace              []any // of strings, or of [file, line, function, text] from Python 2.7
				}
				if err := json.Unmarshal([]byte(a.body), &got); err != nil {
					t.Fatalf("%v: %s", err, a.body)
				}
				if a.header.Get("X-Amz-Function-Error") != failure || got.ErrorMessage != want.Error.ErrorMessage || got.ErrorType != want.Error.ErrorType {
					t.Errorf("%+v, want %+v", got, *want.Error)
				}
				if trace := fmt.Sprint(got.StackTrace...); !strings.Contains(trace, "/var/task/"+inPackage) || !strings.Contains(trace, function) {
					t.Errorf("stack trace %q", got.StackTrace)
				}
				if _, frames := got.StackTrace[0].([]any); frames != (c.runtime == "python2.7") {
					t.Errorf("stack trace of %s: %v", c.runtime, got.StackTrace)
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
				if strings.Contains(line, "DeprecationWarning") {
					continue // of a Node.js younger than the guide
				}
				line, _, _ = strings.Cut(line, ": LS") // names and times of the recording machine
				for _, cut := range []string{"/aws/lambda/fn", "RID", "1999", "2999", "= fn", "= LS"} {
					line, _, _ = strings.Cut(line, cut)
				}
				_, after, found := strings.Cut(rest, line)
				if !found {
					t.Errorf("log lacks %q in its place:\n%s", line, log)
				}
				rest = after
			}
			if function == "my_logging_handler" && (!strings.Contains(string(log), "[INFO]\t") || !strings.Contains(string(log), "\tgot event{") || !strings.Contains(string(log), "[ERROR]\t")) {
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
