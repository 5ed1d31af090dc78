package nodejs

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/thawrun/thaw/abi"
)

// The Node.js programs of the Developer Guide (2016) give what was recorded of them. A record's result, error and console lines
// are compared.
func TestGuidePrograms(t *testing.T) {
	const keys = `{"key1": "value1", "key2": "value2", "key3": "value3"}`
	for _, c := range []struct{ program, record, handler, event, prelude string }{
		{"helloworld-myHandler", "", "index.myHandler", keys, ""},
		{"alias-helloworld", "", "", keys, ""},
		{"context", "", "", keys, ""},
		{"logging", "", "", keys, ""},
		{"exception", "", "", keys, ""},
		{"LambdaWithSNS", "", "", `{"Records": [{"Sns": {"Message": "Hello from SNS!"}}]}`, ""},
		{"ProcessKinesisRecords", "", "", "@kinesis", ""},
		{"ProcessDynamoDBStream", "", "", "@dynamodb", ""},
		{"LambdaFunctionOverHttps", "LambdaFunctionOverHttps-echo", "", `{"operation": "echo", "payload": {}}`, "aws"},
		{"LambdaFunctionOverHttps", "LambdaFunctionOverHttps-ping", "", `{"operation": "ping"}`, "aws"},
		{"LambdaFunctionOverHttps", "LambdaFunctionOverHttps-nope", "", `{"operation": "nope"}`, "aws"},
		{"LambdaFunctionOverHttps", "LambdaFunctionOverHttps-create", "", `{"operation": "create", "tableName": "LambdaTable", "payload": {"Item": {"Id": "1", "name": "Bob"}}}`, "aws"},
		{"LambdaFunctionOverHttps", "LambdaFunctionOverHttps-read", "", `{"operation": "read", "tableName": "LambdaTable", "payload": {"Key": {"Id": "1"}}}`, "aws"},
	} {
		if c.record == "" {
			c.record = c.program
		}
		if c.handler == "" {
			c.handler = "index.handler"
		}
		t.Run(c.record, func(t *testing.T) {
			source, err := os.ReadFile("testdata/handlers/node-" + c.program + ".js")
			if err != nil {
				t.Fatal(err)
			}
			recorded, err := os.ReadFile("testdata/expected/node-" + c.record + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Result any
				Error  map[string]any
				Logs   []string
			}
			if err := json.Unmarshal(recorded, &want); err != nil {
				t.Fatal(err)
			}
			files := []string{"index.js", string(source)}
			if c.prelude == "aws" { // the recording used a stand-in for the SDK that answers with what it was asked
				files = append(files, "node_modules/aws-sdk/index.js", `const op = (op) => (params, done) => done(null, { op, params });
					exports.DynamoDB = { DocumentClient: class { put = op('put'); get = op('get'); update = op('update'); delete = op('delete'); scan = op('scan') } };`)
			}
			event := c.event
			if name, ok := strings.CutPrefix(event, "@"); ok {
				b, err := os.ReadFile("testdata/events/" + name + ".json")
				if err != nil {
					t.Fatal(err)
				}
				event = string(b)
			}
			g := start(t, task(files...))
			if s, b := g.load("nodejs4.3", c.handler); s != abi.StatusDone {
				t.Fatalf("load: %v %s", s, b)
			}
			status, payload := g.invoke(event)
			var got any
			if err := json.Unmarshal([]byte(payload), &got); err != nil {
				t.Fatal(err)
			}
			if want.Error != nil {
				m := got.(map[string]any)
				delete(m, "stackTrace")
				if status != abi.StatusHandled || !reflect.DeepEqual(m, want.Error) {
					t.Errorf("%v %s, want %v", status, payload, want.Error)
				}
			} else if status != abi.StatusDone || !reflect.DeepEqual(got, want.Result) {
				t.Errorf("%v %s, want %v", status, payload, want.Result)
			}
			var logs []string
			for _, l := range g.logs {
				_, text, _ := strings.Cut(l, "\t")
				_, text, _ = strings.Cut(text, "\t")
				if !strings.HasPrefix(text, `{"errorMessage":`) { // the service's line about the error, which node alone doesn't write
					logs = append(logs, text)
				}
			}
			var lines []string
			for _, l := range want.Logs {
				if !strings.HasPrefix(l, "(node:") { // today's deprecation warning, unknown to 4.3
					lines = append(lines, l)
				}
			}
			if !reflect.DeepEqual(logs, lines) {
				t.Errorf("log %q\nwant %q", logs, lines)
			}
		})
	}
}
