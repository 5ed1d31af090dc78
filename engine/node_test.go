package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/nodejs"
)

func newNodeEngine(t *testing.T, cfg engine.Config) *engine.Engine {
	t.Helper()
	cfg.Guests = []*abi.Guest{nodejs.Guest()}
	cfg.CacheDir = cacheDir
	e, err := engine.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// nodeFunction is a function whose module index.js is source.
func nodeFunction(t *testing.T, source string) engine.Function {
	t.Helper()
	return engine.Function{
		Key: "fn", Name: "fn", Runtime: "nodejs20.x", Handler: "index.handler", Timeout: 10 * time.Second, MemoryMB: 128, Reserved: -1,
		Code: engine.Zip(zipOf(t, map[string]string{"index.js": source})),
	}
}

// What a hostile function does ends within its limits, and the next invocation works: of the same function, and of another.
func TestHostileNodeFunctions(t *testing.T) {
	e := newNodeEngine(t, engine.Config{})
	neighbour := nodeFunction(t, `exports.handler = async () => [Object.prototype.polluted ?? null, Array.prototype.map.call([1], String)[0], typeof JSON.parse]`)
	neighbour.Key = "neighbour"
	deploy(t, e, neighbour)
	for name, c := range map[string]struct {
		code, runtime string
		memory        int
		want          []string // what the payload holds: one of these
	}{
		"endless loop":             {`for (;;) {}`, "", 0, []string{"timed out"}},
		"loop of promises":         {`for (;;) await null`, "", 0, []string{"timed out"}},
		"catastrophic regex":       {`return /^(a+)+$/.test('a'.repeat(50) + '!')`, "", 0, []string{"timed out"}},
		"huge strings":             {`return 'x'.repeat(5e8).split('').length`, "", 0, []string{"memory", "timed out", "Invalid string length"}},
		"strings until the end":    {`let s = 'x'; for (;;) s += s + s`, "", 0, []string{"memory", "Invalid string length", "timed out"}},
		"prototype pollution":      {`Object.prototype.polluted = 1; Array.prototype.map = () => ['bad']; JSON.parse = 5; return 'done'`, "", 0, []string{`"done"`}},
		"deep recursion":           {`const f = (n) => f(n + 1) + 1; return f(0)`, "", 0, []string{"RangeError"}},
		"recursion through JSON":   {`const o = {}; let p = o; for (let i = 0; i < 1e5; i++) p = p.a = {}; return JSON.stringify(o).length`, "", 0, []string{"RangeError", "Runtime.", "memory", "timed out"}},
		"recursion through a sort": {`const f = () => [2, 1].sort(f); return f()`, "", 0, []string{"RangeError"}},
		"storm of promises":        {`const f = () => Promise.all(Array.from({ length: 1000 }, f)); return f()`, "", 0, []string{"memory", "timed out", "RangeError"}},
		"timers in the millions":   {`for (let i = 0; i < 5e6; i++) setTimeout(() => {}, 1e6); await new Promise(() => {})`, "", 0, []string{"memory", "timed out"}},
		"immediates for ever":      {`const f = () => setImmediate(f); f(); await new Promise(() => {})`, "", 0, []string{"timed out"}},
		"ticks for ever":           {`const f = () => process.nextTick(f); f(); await new Promise(() => {})`, "", 0, []string{"timed out"}},
		"never settles":            {`await new Promise(() => {})`, "", 0, []string{"Runtime.NodeJsExit"}},
		"never settles, old":       {`await new Promise(() => {})`, "nodejs8.10", 0, []string{"null"}},
		"exits":                    {`process.exit(1)`, "", 0, []string{"exit status 1"}},
		"kills itself":             {`process.kill(process.pid, 'SIGKILL'); await new Promise((r) => setTimeout(r, 100))`, "", 0, []string{"exit status"}},
		"aborts":                   {`process.abort()`, "", 0, []string{"exit status"}},
		"rounds of PBKDF2":         {`return require('crypto').pbkdf2Sync('p', 's', 1e9, 64, 'sha512').length`, "", 0, []string{"timed out"}},
		"memory by scrypt":         {`return require('crypto').scryptSync('p', 's', 64, { N: 2 ** 24, maxmem: 2 ** 40 }).length`, "", 0, []string{"ERR_SERVICE_LIMIT", "more than this runtime grants"}},
		"rounds of scrypt":         {`return require('crypto').scryptSync('p', 's', 64, { N: 1024, p: 2 ** 20, maxmem: 2 ** 40 }).length`, "", 0, []string{"timed out", "ERR_SERVICE_LIMIT", "more than this runtime grants"}},
		"RSA keys":                 {`for (;;) require('crypto').generateKeyPairSync('rsa', { modulusLength: 4096 })`, "", 0, []string{"timed out"}},
		"digests that stay open":   {`const all = []; for (;;) all.push(require('crypto').createHash('sha256'))`, "", 0, []string{"ERR_SERVICE_LIMIT", "too many"}},
		"streams that stay open":   {`const z = require('zlib'), all = []; for (;;) { const d = z.createDeflate({ level: 9 }); d._handle.writeSync(0, Buffer.alloc(1), 0, 1, Buffer.alloc(9), 0, 9); all.push(d) }`, "", 1024, []string{"ERR_SERVICE_LIMIT", "too many", "memory", "timed out"}},
		"a bomb of deflate":        {`const z = require('zlib'); let b = z.deflateRawSync(Buffer.alloc(30 << 20)); b = z.inflateRawSync(b); for (;;) b = Buffer.concat([b, z.inflateRawSync(z.deflateRawSync(b))])`, "", 0, []string{"memory", "timed out", "ERR_"}},
		"hashing for ever":         {`const h = require('crypto').createHash('sha3-512'), b = Buffer.alloc(16 << 20); for (;;) h.update(b)`, "", 0, []string{"timed out"}},
		"realms for ever":          {`const vm = require('vm'), all = []; for (;;) all.push(vm.createContext({}))`, "", 0, []string{"memory", "timed out"}},
		"a handler that is a bomb": {`return { toJSON() { return Array(1e9).fill(this) } }`, "", 0, []string{"memory", "timed out", "RangeError", "Runtime.MarshalError"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := nodeFunction(t, "exports.handler = async (event) => { if (event === 'well?') return [Object.prototype.polluted ?? null, 'well']; "+c.code+"\n}")
			f.Timeout = time.Second
			if c.runtime != "" {
				f.Runtime = c.runtime
			}
			if c.memory != 0 {
				f.MemoryMB = c.memory
			}
			deploy(t, e, f)
			begin := time.Now()
			r := invoke(t, e, `{}`)
			if took := time.Since(begin); took > 20*time.Second { // however slow the machine: nothing goes on for ever
				t.Errorf("took %v", took)
			}
			found := false
			for _, want := range c.want {
				found = found || strings.Contains(string(r.Payload), want)
			}
			if !found {
				t.Errorf("%s %.300s, want one of %q", r.FunctionError, r.Payload, c.want)
			}
			again := invoke(t, e, `"well?"`)
			if again.FunctionError != engine.Succeeded || !strings.HasSuffix(string(again.Payload), `"well"]`) {
				t.Errorf("the next invocation: %s %s", again.FunctionError, again.Payload)
			}
			var other engine.Response
			if err := e.Invoke(t.Context(), &engine.Request{Function: "neighbour", Event: []byte(`1`)}, &other); err != nil {
				t.Fatal(err)
			}
			wantPayload(t, &other, `[null,"1","function"]`)
		})
	}
}

// Modules are compiled once per package, not per instance; what they do stays the same, their source text included.
func TestNodeModulesAreCompiledOnce(t *testing.T) {
	e := newNodeEngine(t, engine.Config{})
	f := nodeFunction(t, "")
	f.Code = engine.Zip(zipOf(t, map[string]string{
		"index.js":                      "#!/usr/bin/env node\nconst lib = require('lib'); const esm = import('./e.mjs');\nfunction named(a, b) { return a + b }\nexports.handler = async () => [named.toString(), lib.x, (await esm).y, (await esm).url, new Error('e').stack.split('\\n')[1].trim(), __filename];\n",
		"e.mjs":                         "export const y = 'esm'; export const url = import.meta.url;\n",
		"node_modules/lib/index.js":     "exports.x = require('./deep/a').a;\n",
		"node_modules/lib/deep/a.js":    "exports.a = 'cjs';\n",
		"node_modules/lib/unused.js":    "this is no JavaScript\n",
		"node_modules/lib/package.json": "{}",
	}))
	deploy(t, e, f)
	first := invoke(t, e, `{}`)
	want := `["function named(a, b) { return a + b }","cjs","esm","file:///var/task/e.mjs","at exports.handler (/var/task/index.js:4:100)","/var/task/index.js"]`
	wantPayload(t, first, strings.Replace(want, "4:100", column(string(first.Payload)), 1))
	for begin := time.Now(); e.Stats().Compiled < 4; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d modules compiled", e.Stats().Compiled)
		}
	}
	f.Env = map[string]string{"NEW": "version"}
	deploy(t, e, f)
	second := invoke(t, e, `{}`)
	if !second.Report.Cold {
		t.Fatal("not a cold start")
	}
	wantPayload(t, second, string(first.Payload))
}

// column is the position in a payload's stack frame, which the engine and V8 count alike but for the column.
func column(payload string) string {
	_, rest, _ := strings.Cut(payload, "index.js:")
	at, _, _ := strings.Cut(rest, ")")
	return at
}

// Keys made while a module loads don't stand in the way of a snapshot; each clone uses its own, and draws its own randomness.
func TestNodeSnapshots(t *testing.T) {
	e := newNodeEngine(t, engine.Config{FunctionSnapshots: true})
	f := nodeFunction(t, `const c = require('crypto');
const { privateKey, publicKey } = c.generateKeyPairSync('ed25519');
c.randomInt(100); c.randomUUID();
exports.handler = async () => { const sig = c.sign(null, 'm', privateKey); return [c.verify(null, 'm', publicKey, sig), c.randomUUID(), c.randomInt(2 ** 40), Math.random(), c.randomBytes(8).toString('hex')] }`)
	f.Isolation = engine.IsolationRequest
	deploy(t, e, f)
	seen := map[string]bool{}
	for range 4 {
		r := invoke(t, e, `{}`)
		if !strings.HasPrefix(string(r.Payload), "[true,") {
			t.Fatalf("%s\n%s", r.Payload, r.LogTail)
		}
		for _, part := range strings.Split(strings.Trim(string(r.Payload), "[]"), ",")[1:] {
			if seen[part] {
				t.Errorf("%s came twice", part)
			}
			seen[part] = true
		}
	}
	if len(seen) != 16 {
		t.Error(fmt.Sprint(seen))
	}
}

// Both AWS SDKs are there, loaded before the function is; a function's own copy wins.
func TestNodeHasTheAWSSDKs(t *testing.T) {
	e := newNodeEngine(t, engine.Config{Region: "eu-west-1"})
	env := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
	for name, c := range map[string]struct{ files []string }{
		"v2": {[]string{"index.js", `const AWS = require('aws-sdk'); const s3 = new AWS.S3(), db = new AWS.DynamoDB.DocumentClient();
exports.handler = async () => [AWS.config.region, AWS.VERSION.split('.')[0], s3.getSignedUrl('getObject', { Bucket: 'bucket', Key: 'k', Expires: 60 }).replace(/\?.*/, ''), typeof db.put, new (require('aws-sdk/clients/kms'))().endpoint.host]`}},
		"v3": {[]string{"index.mjs", `import { S3Client, GetObjectCommand } from '@aws-sdk/client-s3'; import { getSignedUrl } from '@aws-sdk/s3-request-presigner'; import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'; import { SQSClient } from '@aws-sdk/client-sqs';
const s3 = new S3Client({});
export const handler = async () => [await s3.config.region(), '3', (await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'bucket', Key: 'k' }), { expiresIn: 60 })).replace(/\?.*/, ''), typeof DynamoDBDocumentClient.from, await new SQSClient({}).config.region()]`}},
	} {
		t.Run(name, func(t *testing.T) {
			f := nodeFunction(t, "")
			f.Code = engine.Zip(zipOf(t, map[string]string{c.files[0]: c.files[1]}))
			f.Env = env
			f.MemoryMB = 256
			deploy(t, e, f)
			want := map[string]string{
				"v2": `["eu-west-1","2","https://bucket.s3.eu-west-1.amazonaws.com/k","function","kms.eu-west-1.amazonaws.com"]`,
				"v3": `["eu-west-1","3","https://bucket.s3.eu-west-1.amazonaws.com/k","function","eu-west-1"]`,
			}[name]
			r := invoke(t, e, `{}`)
			wantPayload(t, r, want)
			f.Revision = "2"
			deploy(t, e, f)
			r = invoke(t, e, `{}`)
			wantPayload(t, r, want)
			t.Logf("cold start with the SDK: %v", r.Report.Init)
		})
	}
	f := nodeFunction(t, "")
	f.Code = engine.Zip(zipOf(t, map[string]string{"index.js": `exports.handler = async () => require('aws-sdk').own`, "node_modules/aws-sdk/index.js": `exports.own = 'mine'`}))
	deploy(t, e, f)
	wantPayload(t, invoke(t, e, `{}`), `"mine"`)
}
