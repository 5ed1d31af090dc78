package nodejs

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/thawrun/thaw/abi"
)

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, runtime, source, event string
		status                       abi.Status
		want                         string
	}{
		{"async", "nodejs20.x", `exports.handler = async (event) => ({ hello: event.name, n: [1, 2.5, null] });`, `{"name": "wörld \u0000 😀"}`, abi.StatusDone, `{"hello":"wörld \u0000 😀","n":[1,2.5,null]}`},
		{"callback", "nodejs4.3", `exports.handler = function (event, context, callback) { callback(null, event) };`, `[1,{"a":"\ud83d\ude00"}]`, abi.StatusDone, `[1,{"a":"😀"}]`},
		{"promise", "nodejs18.x", `exports.handler = (event) => Promise.resolve().then(() => event + 1);`, `41`, abi.StatusDone, `42`},
		{"no result", "nodejs20.x", `exports.handler = async () => {};`, `{}`, abi.StatusDone, `null`},
		{"callback without arguments", "nodejs20.x", `exports.handler = (e, c, callback) => { callback() };`, `{}`, abi.StatusDone, `null`},
		{"nothing is called", "nodejs6.10", `exports.handler = () => {};`, `{}`, abi.StatusDone, `null`},
		{"a value returned from a plain function is ignored", "nodejs6.10", `exports.handler = () => 5;`, `{}`, abi.StatusDone, `null`},
		{"context.succeed", "nodejs", `exports.handler = function (event, context) { context.succeed({ got: arguments.length }) };`, `{}`, abi.StatusDone, `{"got":2}`},
		{"context.done", "nodejs4.3", `exports.handler = function (event, context) { context.done(null, 'x') };`, `{}`, abi.StatusDone, `"x"`},
		{"first answer counts", "nodejs20.x", `exports.handler = (e, c, callback) => { callback(null, 1); callback(null, 2); };`, `{}`, abi.StatusDone, `1`},
		{"callback with an error", "nodejs4.3", `exports.handler = function (e, c, callback) { callback('some error') };`, `{}`, abi.StatusHandled, `{"errorMessage":"some error"}`},
		{"context.fail", "nodejs4.3", `exports.handler = function (e, c) { c.fail('bad') };`, `{}`, abi.StatusHandled, `{"errorMessage":"bad"}`},
		{"callback with a string today", "nodejs20.x", `exports.handler = (e, c, callback) => callback('some error');`, `{}`, abi.StatusHandled, `{"errorType":"string","errorMessage":"some error","trace":[]}`},
		{"throwing a number", "nodejs20.x", `exports.handler = async () => { throw 5 };`, `{}`, abi.StatusError, `{"errorType":"number","errorMessage":"5","trace":[]}`},
		{"timers", "nodejs20.x", `exports.handler = async () => { const t = []; setTimeout(() => t.push('b'), 5); setImmediate(() => t.push('a')); process.nextTick(() => t.push('tick')); queueMicrotask(() => t.push('micro')); await new Promise((r) => setTimeout(r, 20)); return t };`, `{}`, abi.StatusDone, `["tick","micro","a","b"]`},
		{"waits for the empty loop", "nodejs4.3", `var n = 0; exports.handler = function (e, c, callback) { setTimeout(function () { n++ }, 10); callback(null, { get n() { return n } }) };`, `{}`, abi.StatusDone, `{"n":1}`},
		{"does not wait if told so", "nodejs4.3", `var n = 0; exports.handler = function (e, c, callback) { c.callbackWaitsForEmptyEventLoop = false; setTimeout(function () { n++ }, 10); callback(null, { get n() { return n } }) };`, `{}`, abi.StatusDone, `{"n":0}`},
		{"setInterval", "nodejs20.x", `exports.handler = () => new Promise((r) => { let n = 0; const t = setInterval(() => { if (++n === 3) { clearInterval(t); r(n) } }, 1) });`, `{}`, abi.StatusDone, `3`},
		{"timers/promises", "nodejs20.x", `const { setTimeout: wait } = require('timers/promises'); exports.handler = async () => wait(2, 'late');`, `{}`, abi.StatusDone, `"late"`},
		{"version", "nodejs6.10", `exports.handler = (e, c, callback) => callback(null, process.version);`, `{}`, abi.StatusDone, `"v6.10.3"`},
		{"not an event", "nodejs20.x", `exports.handler = async () => {};`, `{"a":`, abi.StatusError, `Runtime.UnmarshalError`},
		{"result that is no JSON", "nodejs20.x", `exports.handler = async () => { const a = {}; a.a = a; return a };`, `{}`, abi.StatusError, `Runtime.MarshalError`},
		{"unhandled rejection", "nodejs20.x", `exports.handler = () => { Promise.reject(new Error('lost')); return new Promise((r) => setTimeout(r, 5)) };`, `{}`, abi.StatusError, `{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost",`},
		{"exception in a timer", "nodejs20.x", `exports.handler = () => new Promise(() => setTimeout(() => { throw new TypeError('in timer') }, 1));`, `{}`, abi.StatusError, `{"errorType":"TypeError","errorMessage":"in timer",`},
		{"promise that never settles", "nodejs20.x", `exports.handler = async () => new Promise(() => {});`, `{}`, abi.StatusError, `Runtime.NodeJsExit`},
		{"a warning is a line of the log", "nodejs20.x", `exports.handler = () => new Promise((r) => { process.emitWarning('careful'); setTimeout(r, 2) });`, `{}`, abi.StatusDone, `null`},
		{"an immediate that nobody waits for", "nodejs6.10", `var n = 0; exports.handler = function (e, c, callback) { setImmediate(function () { n++ }).unref(); callback(null, { get n() { return n } }) };`, `{}`, abi.StatusDone, `{"n":0}`},
		{"working folder and mask", "nodejs20.x", `exports.handler = async () => { const old = process.umask(0); process.chdir('/tmp'); let e; try { process.chdir('none') } catch (x) { e = x.code } return [old, process.umask(), process.cwd(), require('path').resolve('a'), e] };`, `{}`, abi.StatusDone, `[18,0,"/tmp","/tmp/a","ENOENT"]`},
		{"no processes", "nodejs20.x", `const { spawn, spawnSync } = require('child_process'); exports.handler = async () => { let e; try { spawn('ls') } catch (x) { e = x.code } return [e, spawnSync('ls').error.code] };`, `{}`, abi.StatusDone, `["ENOSYS","ENOSYS"]`},
		{"no threads", "nodejs20.x", `const { Worker, isMainThread } = require('worker_threads'); exports.handler = async () => { let e; try { new Worker('/var/task/x.js') } catch (x) { e = x.code } return [isMainThread, e] };`, `{}`, abi.StatusDone, `[true,"ERR_WORKER_INIT_FAILED"]`},
		{"V8's wording", "nodejs20.x", `exports.handler = async () => { const t = []; for (const f of [() => null.x, () => { undefined.y = 1 }, () => '' + Symbol(), () => 'x'.repeat(2 ** 30)]) { try { f() } catch (e) { t.push(e.name + ': ' + e.message) } } return t };`, `{}`, abi.StatusDone,
			`["TypeError: Cannot read properties of null (reading 'x')","TypeError: Cannot set properties of undefined (setting 'y')","TypeError: Cannot convert a Symbol value to a string","RangeError: Invalid string length"]`},
		{"a module of Node that isn't here", "nodejs20.x", `exports.handler = async () => { try { require('node:test') } catch (e) { return e.code } };`, `{}`, abi.StatusDone, `"ERR_UNKNOWN_BUILTIN_MODULE"`},
		{"context.succeed ends at once", "nodejs", `var n = 0; exports.handler = function (e, c) { setTimeout(function () { n++ }, 10); c.succeed({ get n() { return n } }) };`, `{}`, abi.StatusDone, `{"n":0}`},
		{"context.succeed without a result", "nodejs", `exports.handler = function (e, c) { c.succeed() };`, `{}`, abi.StatusDone, `null`},
		{"context.succeed with what is no JSON", "nodejs", `exports.handler = function (e, c) { var a = {}; a.a = a; c.succeed(a) };`, `{}`, abi.StatusError, `Runtime.MarshalError`},
		{"context.fail with an error", "nodejs", `exports.handler = function (e, c) { c.fail(new TypeError('no')) };`, `{}`, abi.StatusHandled, `{"errorMessage":"no","errorType":"TypeError",`},
		{"context.fail with what is no JSON", "nodejs", `exports.handler = function (e, c) { var a = {}; a.a = a; c.fail(a) };`, `{}`, abi.StatusError, `{"errorMessage":"[object Object]"}`},
		{"context.done with one argument, an error", "nodejs", `exports.handler = function (e, c) { c.done(new Error('one')) };`, `{}`, abi.StatusHandled, `{"errorMessage":"one","errorType":"Error",`},
		{"context.done ignores a result beside an error", "nodejs", `exports.handler = function (e, c) { setTimeout(function () {}, 1000); c.done('bad', 'result') };`, `{}`, abi.StatusHandled, `{"errorMessage":"bad"}`},
		{"context.done without arguments", "nodejs", `exports.handler = function (e, c) { c.done() };`, `{}`, abi.StatusDone, `null`},
		{"done is a callback that does not wait", "nodejs4.3", `var n = 0; exports.handler = function (e, c, callback) { setTimeout(function () { n++ }, 10); c.callbackWaitsForEmptyEventLoop = false; callback(null, { get n() { return n } }) };`, `{}`, abi.StatusDone, `{"n":0}`},
		{"0.10 without any answer", "nodejs", `exports.handler = function (e, c) { setTimeout(function () {}, 2); };`, `{}`, abi.StatusDone, `null`},
		{"the environment", "nodejs20.x", `exports.handler = async () => { process.env.N = 5; return [process.env.GREETING, process.env.N, process.env.NONE, process.env.LAMBDA_TASK_ROOT, process.cwd()] };`, `{}`, abi.StatusDone, `["hi","5",null,"/var/task","/var/task"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := loaded(t, c.runtime, c.source, "GREETING", "hi")
			s, b := g.invoke(c.event)
			exact := strings.HasPrefix(c.want, "Runtime.") || strings.HasSuffix(c.want, ",")
			if s != c.status || (!exact && b != c.want) || !strings.Contains(b, c.want) {
				t.Fatalf("%v %s, want %v %s\n%s", s, b, c.status, c.want, strings.Join(g.logs, "\n"))
			}
		})
	}
}

// Of an error no more than 256 KB are logged (guide, callback).
func TestLargeErrorsAreCut(t *testing.T) {
	for _, runtime := range []string{"nodejs4.3", "nodejs20.x"} {
		g := loaded(t, runtime, `exports.handler = function (e, c, callback) { callback(new Error('ä'.repeat(200000))) };`)
		if s, b := g.invoke(`{}`); s != abi.StatusHandled || len(b) < 400_000 {
			t.Errorf("%v, %d bytes", s, len(b))
		}
		line := g.logs[len(g.logs)-1]
		if !strings.HasSuffix(line, "ä Truncated by Lambda") || len(line) > 256<<10+200 || len(line) < 255<<10 {
			t.Errorf("%s: a line of %d bytes that ends in %q", runtime, len(line), line[len(line)-40:])
		}
	}
}

// Errors carry the function's own frames, in the shape of the runtime's name.
func TestErrorShapes(t *testing.T) {
	const source = "function inner() {\n  throw new RangeError('too far');\n}\nexports.handler = function handler(event, context, callback) {\n  inner();\n};\n"
	t.Run("today", func(t *testing.T) {
		g := loaded(t, "nodejs20.x", source)
		s, b := g.invoke(`{}`)
		want := map[string]any{"errorType": "RangeError", "errorMessage": "too far",
			"trace": []any{"RangeError: too far", "    at inner (/var/task/index.js:2:13)", "    at handler (/var/task/index.js:5:3)"}}
		if got := decode(t, b); s != abi.StatusError || !reflect.DeepEqual(got, want) {
			t.Errorf("%v %s", s, b)
		}
		last := g.logs[len(g.logs)-1]
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tRID\tERROR\tInvoke Error \t\{"errorType":"RangeError","errorMessage":"too far","stack":\["RangeError: too far","    at inner`).MatchString(last) {
			t.Errorf("log %q", last)
		}
	})
	t.Run("old", func(t *testing.T) {
		g := loaded(t, "nodejs4.3", source)
		s, b := g.invoke(`{}`)
		want := map[string]any{"errorType": "RangeError", "errorMessage": "too far",
			"stackTrace": []any{"inner (/var/task/index.js:2:13)", "handler (/var/task/index.js:5:3)"}}
		if got := decode(t, b); s != abi.StatusError || !reflect.DeepEqual(got, want) {
			t.Errorf("%v %s", s, b)
		}
	})
}

func TestContext(t *testing.T) {
	const source = `exports.handler = async (event, context) => {
		const { getRemainingTimeInMillis, succeed, fail, done, ...rest } = context;
		return { rest, remaining: getRemainingTimeInMillis(), identity: typeof context.identity, trace: process.env._X_AMZN_TRACE_ID, custom: context.clientContext && context.clientContext.Custom };
	};`
	g := loaded(t, "nodejs20.x", source)
	_, b := g.invoke(`{}`)
	got := decode(t, b)
	want := map[string]any{"callbackWaitsForEmptyEventLoop": true, "functionVersion": "$LATEST", "functionName": "fn", "memoryLimitInMB": "128",
		"logGroupName": "/aws/lambda/fn", "logStreamName": "LS", "invokedFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:fn", "awsRequestId": "RID"}
	if !reflect.DeepEqual(got["rest"], want) || got["identity"] != "undefined" || got["remaining"] != 2999.0 {
		t.Errorf("%s", b)
	}
	_, b = g.invoke(`{}`, func(v *abi.Invoke) {
		v.ClientContext = []byte(`{"client":{"app_title":"T"},"Custom":{"k":"v"},"env":{}}`)
		v.IdentityID, v.IdentityPoolID, v.TraceID = "id", "pool", "Root=1"
	})
	got = decode(t, b)
	if got["trace"] != "Root=1" || !reflect.DeepEqual(got["custom"], map[string]any{"k": "v"}) ||
		!reflect.DeepEqual(got["rest"].(map[string]any)["identity"], map[string]any{"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}) {
		t.Errorf("%s", b)
	}
}

func TestConsole(t *testing.T) {
	const source = `exports.handler = async () => {
		console.log('a %s %d %j', 'b', 5, { x: [1] }, { y: new Map([['k', 1]]) });
		console.warn('two\nlines');
		console.error(new Error('boom').message);
		console.debug([undefined, null, -0, 'it\'s', Symbol('s'), 10n, () => {}, class A {}, /x/g, new Date(0)]);
	};`
	for runtime, format := range map[string]string{"nodejs20.x": "\tRID\t%s\t", "nodejs4.3": "\tRID\t"} {
		g := loaded(t, runtime, source)
		g.invoke(`{}`)
		for i, want := range []struct{ level, text string }{
			{"INFO", "a b 5 {\"x\":[1]} { y: Map(1) { 'k' => 1 } }"},
			{"WARN", "two\nlines"},
			{"ERROR", "boom"},
			{"DEBUG", "[\n  undefined,\n  null,\n  -0,\n  \"it's\",\n  Symbol(s),\n  10n,\n  [Function (anonymous)],\n  [class A],\n  /x/g,\n  1970-01-01T00:00:00.000Z\n]"},
		} {
			head := format
			if strings.Contains(format, "%s") {
				head = fmt.Sprintf(format, want.level)
			}
			if got := g.logs[i]; !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t`).MatchString(got) || got[24:] != head+want.text {
				t.Errorf("%s: %q, want %q", runtime, got, head+want.text)
			}
		}
	}
}

func TestFrozenTimersResume(t *testing.T) {
	g := loaded(t, "nodejs20.x", `let n = 0; exports.handler = async (ms) => { setTimeout(() => n++, 5); await new Promise((r) => setTimeout(r, ms)); return n };`)
	if _, b := g.invoke(`0`); b != "0" {
		t.Errorf("first: %s", b)
	}
	if _, b := g.invoke(`30`); b != "2" {
		t.Errorf("second: %s", b)
	}
}

func TestBigEvent(t *testing.T) {
	g := loaded(t, "nodejs20.x", `exports.handler = async (event) => event;`)
	event := `{"data":"` + strings.Repeat("äöü€😀x", 6<<20/15) + `"}`
	if s, b := g.invoke(event); s != abi.StatusDone || b != event {
		t.Fatalf("%v, %d bytes", s, len(b))
	}
	if s, b := g.invoke(`"small"`); s != abi.StatusDone || b != `"small"` {
		t.Fatalf("%v %s", s, b)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ name, handler, source, kind, message string }{
		{"no file", "nope.handler", "", "Runtime.ImportModuleError", "Error: Cannot find module 'nope'\nRequire stack:\n- /var/runtime/index.mjs"},
		{"missing dependency", "index.handler", "require('left-pad')", "Runtime.ImportModuleError", "Error: Cannot find module 'left-pad'\nRequire stack:\n- /var/task/index.js\n- /var/runtime/index.mjs"},
		{"no such export", "index.nope", "exports.handler = () => {}", "Runtime.HandlerNotFound", "index.nope is undefined or not exported"},
		{"not a function", "index.handler", "exports.handler = 5", "Runtime.HandlerNotFound", "index.handler is not a function"},
		{"syntax", "index.handler", "\n\nfunction (", "Runtime.UserCodeSyntaxError", ""},
		{"malformed", "index", "", "Runtime.MalformedHandlerName", "Bad handler"},
		{"path", "../x.handler", "", "Runtime.MalformedHandlerName", "'../x.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names."},
		{"own exception", "index.handler", "throw new TypeError('at start')", "TypeError", "at start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := start(t, task("index.js", c.source))
			s, b := g.load("nodejs20.x", c.handler)
			got := decode(t, string(b))
			if s != abi.StatusError || got["errorType"] != c.kind || (c.message != "" && got["errorMessage"] != c.message) {
				t.Fatalf("%v %s", s, b)
			}
		})
	}
}

func TestOrderOfOperations(t *testing.T) {
	g := loaded(t, "nodejs20.x", `exports.handler = async () => 1`)
	for _, c := range []struct {
		op    abi.Op
		frame []byte
	}{{abi.OpInit, abi.AppendPairs(nil, "abi", "1")}, {abi.OpInvoke, []byte("short")}, {abi.OpLoad, []byte{9, 0, 0, 0}}, {abi.OpRestore, []byte{2, 0, 0, 0, 255}}, {99, nil}} {
		if s, b := g.raw(c.op, c.frame); s != abi.StatusFault {
			t.Errorf("%v: %v %s", c.op, s, b)
		}
	}
	if s, b := g.invoke(`{}`); s != abi.StatusDone || b != "1" {
		t.Errorf("%v %s", s, b)
	}
	g.done(abi.OpTrim, nil)
}

// Two instances never draw the same numbers: RESTORE reseeds.
func TestRestoreReseeds(t *testing.T) {
	g := loaded(t, "nodejs20.x", `exports.handler = async () => Math.random()`)
	_, a := g.invoke(`{}`)
	g.done(abi.OpRestore, abi.AppendPairs(nil, "A", "b"))
	_, b := g.invoke(`{}`)
	h := loaded(t, "nodejs20.x", `exports.handler = async () => Math.random()`)
	_, c := h.invoke(`{}`)
	if a == b || b == c || a == c {
		t.Errorf("%s %s %s", a, b, c)
	}
}

func TestExit(t *testing.T) {
	g := loaded(t, "nodejs20.x", `exports.handler = async () => { process.on('exit', (code) => console.log('exit', code)); process.exit(3) }`)
	v := abi.Invoke{Event: []byte(`{}`), RequestID: "RID"}
	frame := make([]byte, v.Size())
	v.Encode(frame)
	r, err := g.call.Call(g.ctx, uint64(abi.OpAlloc), uint64(len(frame)), 0)
	if err != nil {
		t.Fatal(err)
	}
	g.module.Memory().Write(uint32(r[0]), frame)
	_, err = g.call.Call(g.ctx, uint64(abi.OpInvoke), r[0]&0xFFFFFFFF, uint64(len(frame)))
	if err == nil || !strings.Contains(err.Error(), "exit_code(3)") || !strings.HasSuffix(g.logs[0], "exit 3") {
		t.Errorf("%v %q", err, g.logs)
	}
}
