package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/thawrun/thaw/engine"
)

// The guide's API reference, action by action: testdata/api.json has every parameter with its constraints, every member of every
// answer and every error.

type guideParameter struct {
	Name, Type, Pattern string
	Required            bool
	Min, Max            *float64
	MultipleOf          float64
	MaxItems            *int
	Enum                []string
	Fields              []guideParameter
}

type guideAction struct {
	Name, Method, URI, BodyKind, ResponseKind string
	StatusCode                                any // Invoke has three
	Path, Query, Headers, Body                []guideParameter
	Response                                  []guideParameter
	Errors                                    []struct {
		Name       string
		HTTPStatus int
	}
}

func guideReference(t *testing.T) (actions []guideAction, types map[string][]guideParameter) {
	t.Helper()
	b, err := os.ReadFile("testdata/api.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Types   map[string]json.RawMessage
		Actions []guideAction
	}
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	types = map[string][]guideParameter{}
	for name, raw := range g.Types {
		var list []guideParameter
		if json.Unmarshal(raw, &list) != nil {
			var wrapped struct{ Fields, Members []guideParameter }
			if err := json.Unmarshal(raw, &wrapped); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			list = append(wrapped.Fields, wrapped.Members...)
		}
		types[name] = list
	}
	if len(g.Actions) != 24 {
		t.Fatalf("%d actions", len(g.Actions))
	}
	return g.Actions, types
}

// callOf is a request that is carried out as it stands. Its values are what the tests below damage.
type callOf struct {
	path    map[string]string
	query   map[string]string
	headers map[string]string
	body    any // fields, or a string for raw bodies
}

// good returns a valid request of an action on a fixture made by referenceFixture.
func good(x *fixture, action string) callOf {
	f := map[string]string{"FunctionName": "ref"}
	switch action {
	case "AddPermission":
		return callOf{path: f, body: fields{"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "StatementId": "new", "SourceArn": "arn:aws:s3:::b", "SourceAccount": "111122223333", "EventSourceToken": "token"}}
	case "CreateAlias":
		return callOf{path: f, body: fields{"Name": "NEW", "FunctionVersion": "1", "Description": "d"}}
	case "CreateEventSourceMapping":
		return callOf{body: fields{"FunctionName": "ref", "EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/new", "StartingPosition": "LATEST", "BatchSize": 7, "Enabled": false}}
	case "CreateFunction":
		return callOf{body: creation("new", fields{"VpcConfig": fields{"SubnetIds": []string{"subnet-1"}, "SecurityGroupIds": []string{"sg-1"}}, "Description": "d", "MemorySize": 192, "Timeout": 9, "Publish": false})}
	case "DeleteAlias", "GetAlias":
		return callOf{path: map[string]string{"FunctionName": "ref", "Name": "PROD"}}
	case "UpdateAlias":
		return callOf{path: map[string]string{"FunctionName": "ref", "Name": "PROD"}, body: fields{"FunctionVersion": "$LATEST", "Description": "new"}}
	case "DeleteEventSourceMapping", "GetEventSourceMapping":
		return callOf{path: map[string]string{"UUID": x.mapping}}
	case "UpdateEventSourceMapping":
		return callOf{path: map[string]string{"UUID": x.mapping}, body: fields{"BatchSize": 9, "Enabled": false, "FunctionName": "ref:1"}}
	case "Invoke":
		return callOf{path: f, headers: map[string]string{"X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "Tail", "X-Amz-Client-Context": "e30="}, body: `{"a": 1}`}
	case "InvokeAsync":
		return callOf{path: f, body: `{"a": 1}`}
	case "PublishVersion":
		return callOf{path: f, body: fields{"Description": "d"}}
	case "RemovePermission":
		return callOf{path: map[string]string{"FunctionName": "ref", "StatementId": "s"}}
	case "UpdateFunctionCode":
		return callOf{path: f, body: fields{"ZipFile": zipOf("app.py", "new"), "Publish": false}}
	case "UpdateFunctionConfiguration":
		return callOf{path: f, body: fields{"Description": "n", "Handler": "a.b", "MemorySize": 256, "Role": "arn:aws:iam::123456789012:role/n", "Runtime": "python3.12", "Timeout": 4}}
	case "ListAliases", "ListFunctions", "ListVersionsByFunction", "ListEventSourceMappings":
		return callOf{path: f, query: map[string]string{"MaxItems": "10"}}
	}
	return callOf{path: f}
}

// referenceFixture has a function with a version, an alias, a permission and a mapping.
func referenceFixture(t *testing.T, edit ...func(*Config)) *fixture {
	x := newFixture(t, edit...)
	x.create("ref", fields{"VpcConfig": fields{"SubnetIds": []string{"subnet-1"}, "SecurityGroupIds": []string{"sg-1"}}, "Publish": true})
	for _, c := range []struct {
		path string
		in   fields
	}{
		{functionsPath + "/ref/aliases", fields{"Name": "PROD", "FunctionVersion": "1"}},
		{functionsPath + "/ref/policy", fields{"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}},
	} {
		if a := x.do("POST", c.path, c.in); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	a := x.do("POST", "/2015-03-31/event-source-mappings/", fields{"FunctionName": "ref", "EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s", "StartingPosition": "LATEST"})
	x.mapping = decodeInto[struct{ UUID string }](t, a.body).UUID
	return x
}

func (x *fixture) call(action guideAction, c callOf) answer {
	x.Helper()
	uri := action.URI
	if i := strings.IndexByte(uri, '?'); i >= 0 {
		uri = uri[:i]
	}
	for name, value := range c.path {
		uri = strings.Replace(uri, "{"+name+"}", url.PathEscape(value), 1)
	}
	q := url.Values{}
	for name, value := range c.query {
		q.Set(name, value)
	}
	if len(q) > 0 {
		uri += "?" + q.Encode()
	}
	var headers []string
	for name, value := range c.headers {
		headers = append(headers, name, value)
	}
	return x.do(action.Method, uri, c.body, headers...)
}

// shapeProblems says what is wrong with the members of an answer.
func shapeProblems(types map[string][]guideParameter, want []guideParameter, got map[string]any, where string) (problems []string) {
	for _, p := range want {
		v, there := got[p.Name]
		at := where + p.Name
		if !there {
			// The marker of what follows, and what is only there where it was configured.
			if p.Name != "NextMarker" {
				problems = append(problems, at+" is missing")
			}
			continue
		}
		kind, list := strings.TrimSuffix(p.Type, " object"), false
		if tail, ok := strings.CutPrefix(kind, "array of "); ok {
			kind, list = tail, true
		}
		values := []any{v}
		if list {
			var ok bool
			if values, ok = v.([]any); !ok {
				problems = append(problems, fmt.Sprintf("%s is %T, not an array", at, v))
				continue
			}
		}
		for _, v := range values {
			ok := true
			switch kind {
			case "String":
				_, ok = v.(string)
				if p.Name == "NextMarker" && v == nil {
					ok = true
				}
			case "Integer", "Long", "Timestamp":
				_, ok = v.(float64)
			case "Boolean":
				_, ok = v.(bool)
			default:
				m, isMap := v.(map[string]any)
				if members := types[kind]; !isMap || len(members) == 0 {
					problems = append(problems, fmt.Sprintf("%s is %T, not a %s", at, v, kind))
				} else {
					problems = append(problems, shapeProblems(types, members, m, at+".")...)
				}
			}
			if !ok {
				problems = append(problems, fmt.Sprintf("%s is %T, not a %s", at, v, p.Type))
			}
			if s, isString := v.(string); isString && len(p.Enum) > 0 && p.Name != "Runtime" && !slices.Contains(p.Enum, s) {
				problems = append(problems, fmt.Sprintf("%s is %q, none of %v", at, s, p.Enum))
			}
		}
	}
	return problems
}

// Every action of the guide is carried out, answers with the guide's status and with each member that the guide names.
func TestReferenceAnswers(t *testing.T) {
	actions, types := guideReference(t)
	for _, action := range actions {
		t.Run(action.Name, func(t *testing.T) {
			x := referenceFixture(t)
			a := x.call(action, good(x, action.Name))
			want := fmt.Sprint(action.StatusCode)
			if action.Name == "Invoke" {
				want = "200"
			}
			if fmt.Sprint(a.status) != want {
				t.Fatalf("%d %s, want %s", a.status, a.body, want)
			}
			switch action.ResponseKind {
			case "none":
				if a.body != "" {
					t.Errorf("body %q", a.body)
				}
			case "json":
				if a.header.Get("Content-Type") != contentJSON {
					t.Errorf("content type %q", a.header.Get("Content-Type"))
				}
				for _, p := range shapeProblems(types, action.Response, decodeInto[map[string]any](t, a.body), "") {
					t.Error(p)
				}
			case "raw":
				if a.body != `{"a": 1}` || a.header.Get("X-Amz-Function-Error") != "" {
					t.Errorf("%q, %v", a.body, a.header)
				}
			}
		})
	}
}

// violation is a value that breaks one constraint of a parameter.
type violation struct {
	value any
	text  string // part of the message
}

// violationsOf is a value for each way to break a parameter's constraints. "! ?" matches no pattern of the guide but .*.
func violationsOf(p guideParameter) (all []violation) {
	switch p.Type {
	case "String":
		if p.Enum != nil && p.Name != "Runtime" {
			all = append(all, violation{"Nonsense", "Member must satisfy enum value set"})
		}
		if p.Pattern != "" && p.Pattern != ".*" {
			all = append(all, violation{"! ?", "Member must satisfy"})
		}
		if p.Max != nil && *p.Max < 1000 {
			all = append(all, violation{strings.Repeat("9", int(*p.Max)+1), "length less than or equal to"})
			if p.Name == "Name" {
				all[len(all)-1].value = strings.Repeat("x", int(*p.Max)+1)
			}
		}
		if p.Min != nil && *p.Min > 1 {
			all = append(all, violation{"x", "length greater than or equal to"})
		}
	case "Integer":
		if p.Min != nil {
			all = append(all, violation{int(*p.Min) - 1, "value greater than or equal to"})
		}
		if p.Max != nil {
			all = append(all, violation{int(*p.Max) + 1, "value less than or equal to"})
		}
		if p.MultipleOf > 1 {
			all = append(all, violation{int(*p.Min) + 1, "multiple of"})
		}
	}
	return all
}

// Every constraint of every parameter is enforced, with a message that names the parameter.
func TestReferenceConstraints(t *testing.T) {
	actions, _ := guideReference(t)
	x := referenceFixture(t)
	n := 0
	for _, action := range actions {
		try := func(p guideParameter, where string, v violation, c callOf) {
			t.Helper()
			n++
			a := x.call(action, c)
			name := strings.ToLower(p.Name[:1]) + p.Name[1:]
			if where == "body" && a.status == 400 && a.header.Get("x-amzn-ErrorType") == "InvalidParameterValueException" && strings.Contains(a.body, name) && strings.Contains(a.body, v.text) {
				return
			}
			message := decodeInto[map[string]any](t, a.body)["message"]
			if text, _ := message.(string); a.status != 400 || a.header.Get("x-amzn-ErrorType") != "InvalidParameterValueException" || !strings.Contains(strings.ToLower(text), strings.ToLower(headerParameter(p.Name))) || !strings.Contains(text, v.text) {
				t.Errorf("%s, %s %s = %v: %d %s %s; want %q", action.Name, where, p.Name, v.value, a.status, a.header.Get("x-amzn-ErrorType"), a.body, v.text)
			}
		}
		with := func(m map[string]string, name string, v any) map[string]string {
			out := map[string]string{name: fmt.Sprint(v)}
			for k, old := range m {
				if k != name {
					out[k] = old
				}
			}
			return out
		}
		for _, p := range action.Path {
			for _, v := range violationsOf(p) {
				c := good(x, action.Name)
				c.path = with(c.path, p.Name, v.value)
				try(p, "path", v, c)
			}
		}
		for _, p := range action.Query {
			for _, v := range violationsOf(p) {
				c := good(x, action.Name)
				c.query = with(c.query, p.Name, v.value)
				try(p, "query", v, c)
			}
		}
		for _, p := range action.Headers {
			for _, v := range violationsOf(p) {
				c := good(x, action.Name)
				c.headers = with(c.headers, p.Name, v.value)
				try(p, "header", v, c)
			}
		}
		if action.BodyKind != "json" {
			continue
		}
		body := func(edit func(fields)) callOf {
			c := good(x, action.Name)
			b := fields{}
			for k, v := range c.body.(fields) {
				b[k] = v
			}
			edit(b)
			c.body = b
			return c
		}
		for _, p := range action.Body {
			for _, v := range violationsOf(p) {
				try(p, "body", v, body(func(b fields) { b[p.Name] = v.value }))
			}
			// The event source may be missing today, where a mapping has its brokers instead; StartingPosition depends on the source.
			if p.Required && p.Name != "EventSourceArn" {
				try(p, "body", violation{nil, "Member must not be null"}, body(func(b fields) { delete(b, p.Name) }))
			}
			for _, member := range p.Fields {
				for _, v := range violationsOf(member) {
					try(member, "body", v, body(func(b fields) { b[p.Name] = fields{member.Name: v.value} }))
				}
			}
			// A value of another kind.
			wrong := any("text")
			if p.Type == "String" {
				wrong = 7
			}
			if a := x.call(action, body(func(b fields) { b[p.Name] = wrong })); p.Type != "Base64-encoded binary data" {
				n++
				x.wantError(a, "SerializationException", "")
			}
		}
		if a := x.call(action, callOf{path: good(x, action.Name).path, body: `{"`}); a.header.Get("x-amzn-ErrorType") != "InvalidRequestContentException" {
			t.Errorf("%s with half a body: %d %s", action.Name, a.status, a.body)
		}
	}
	if n < 100 {
		t.Errorf("only %d constraints were tried", n)
	}
	t.Logf("%d constraints", n)
}

// headerParameter is a header's name as a parameter: X-Amz-Log-Type is logType.
func headerParameter(name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(name, "X-Amz-"), "-", "")
}

// Every error that the guide lists for an action is brought about, but for those that have no cause here.
func TestReferenceErrors(t *testing.T) {
	actions, _ := guideReference(t)
	// There are no network interfaces to be set up, so that nothing can go wrong with them; and packages that can't be unzipped
	// are refused when they are uploaded.
	noCause := []string{"EC2AccessDeniedException", "EC2ThrottledException", "EC2UnexpectedException", "ENILimitReachedException", "InvalidSecurityGroupIDException", "InvalidSubnetIDException", "SubnetIPAddressLimitReachedException"}
	n, without := 0, 0
	quietly := func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) }
	for _, action := range actions {
		x := referenceFixture(t, quietly)
		for _, e := range action.Errors {
			t.Run(action.Name+"/"+e.Name, func(t *testing.T) {
				x := x
				if e.Name == "CodeStorageExceededException" {
					x = referenceFixture(t, quietly, func(c *Config) { c.Limits.CodeStorage = 500 })
				}
				x.engine.serve = nil
				c := good(x, action.Name)
				body, _ := c.body.(fields)
				switch e.Name {
				case "ResourceNotFoundException":
					switch {
					case action.Name == "CreateFunction":
						// Nothing that is created from something: the error is that of a layer or role of today's API.
						without++
						return
					case c.path["UUID"] != "":
						c.path["UUID"] = "none"
					case action.Name == "CreateEventSourceMapping":
						body["FunctionName"] = "none"
					case action.Name == "ListEventSourceMappings":
						// The list of the mappings of a function that isn't there is empty: they outlive functions.
						if a := x.call(action, callOf{query: map[string]string{"FunctionName": "none"}}); !strings.Contains(a.body, `"EventSourceMappings":[]`) {
							t.Errorf("%d %s", a.status, a.body)
						}
						without++
						return
					default:
						c.path["FunctionName"] = "none"
					}
				case "ResourceConflictException":
					switch action.Name {
					case "AddPermission":
						body["StatementId"] = "s"
					case "CreateAlias":
						body["Name"] = "PROD"
					case "CreateEventSourceMapping":
						body["EventSourceArn"] = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
					case "CreateFunction":
						body["FunctionName"] = "ref"
					case "DeleteFunction":
						c.query = map[string]string{"Qualifier": "1"}
					case "UpdateEventSourceMapping":
						x.do("POST", "/2015-03-31/event-source-mappings/", fields{"FunctionName": "ref:1", "EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s", "StartingPosition": "LATEST"})
					}
				case "PolicyLengthExceededException":
					body["SourceArn"] = "arn:aws:s3:::" + strings.Repeat("x", 20<<10)
				case "CodeStorageExceededException":
					if action.Name == "PublishVersion" {
						x.do("PUT", functionsPath+"/ref/configuration", fields{"Timeout": 9})
						x.create("fill", fields{"Code": fields{"ZipFile": zipOf("app.py", "fill")}})
					} else {
						text := ""
						for i := range 300 {
							text += fmt.Sprint(i*i*i, " ") // a zip of more than 500 bytes
						}
						large := zipOf("app.py", text)
						if action.Name == "CreateFunction" {
							body["Code"] = fields{"ZipFile": large}
						} else {
							body["ZipFile"] = large
						}
					}
				case "InvalidParameterValueException":
					switch {
					case action.Name == "ListEventSourceMappings" || action.Name == "ListAliases" || action.Name == "ListVersionsByFunction":
						c.query = map[string]string{"MaxItems": "0"}
					case c.path["UUID"] != "" && action.Name == "UpdateEventSourceMapping":
						body["BatchSize"] = 0
					case c.path["UUID"] != "": // any text may be the name of a mapping; there is nothing else to be wrong
						without++
						return
					case c.path["FunctionName"] != "":
						c.path["FunctionName"] = "not a name"
					default:
						body["FunctionName"] = "not a name"
					}
				case "InvalidRequestContentException":
					c.body = "{"
				case "UnsupportedMediaTypeException":
					c.headers = map[string]string{"Content-Type": "text/html"}
				case "RequestTooLargeException":
					c.body = `"` + strings.Repeat("x", 6<<20) + `"`
				case "InvalidZipFileException":
					x.engine.serve = func(engine.Function, *engine.Request, *engine.Response) error {
						return fmt.Errorf("%w: changed", engine.ErrCode)
					}
				case "TooManyRequestsException":
					if action.Name != "Invoke" { // the API's own rate isn't limited
						without++
						return
					}
					x.engine.serve = func(engine.Function, *engine.Request, *engine.Response) error {
						return &engine.ThrottleError{Reason: engine.ThrottleAccount}
					}
				case "ServiceException":
					if action.Name == "Invoke" {
						x.engine.serve = func(engine.Function, *engine.Request, *engine.Response) error { return errors.New("broken") }
					} else {
						// What fails unexpectedly is an internal error whatever the operation.
						for i := range x.api.operations {
							if op := &x.api.operations[i]; op.name == action.Name {
								run := op.run
								defer func() { op.run = run }()
								op.run = func(*Server, *request) error { return errors.New("broken") }
							}
						}
					}
				default:
					if !slices.Contains(noCause, e.Name) {
						t.Fatal("no way to bring this about")
					}
					if catalogue()[e.Name].Status != e.HTTPStatus {
						t.Errorf("status %d", catalogue()[e.Name].Status)
					}
					without++
					return
				}
				n++
				a := x.call(action, c)
				x.wantError(a, e.Name, "")
				if a.status != e.HTTPStatus {
					t.Errorf("status %d, the guide says %d", a.status, e.HTTPStatus)
				}
			})
		}
	}
	t.Logf("%d errors brought about, %d have no cause here", n, without)
}
