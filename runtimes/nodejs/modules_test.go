package nodejs

import (
	"strings"
	"testing"

	"github.com/thawrun/thaw/abi"
)

func TestModules(t *testing.T) {
	for _, c := range []struct {
		name, handler string
		files         []string
		want          string
	}{
		{"relative, JSON, folder", "src/app.handler", []string{
			"src/app.js", `const a = require('./lib'), b = require('../data'); exports.handler = async () => [a.name, b, require('./lib') === a, module.children.length, __filename, __dirname];`,
			"src/lib/index.js", `exports.name = require('./sub.js')`, "src/lib/sub.js", `module.exports = 'sub'`, "data.json", "\uFEFF{\"k\": 1}",
		}, `["sub",{"k":1},true,2,"/var/task/src/app.js","/var/task/src"]`},
		{"node_modules", "index.handler", []string{
			"index.js", `exports.handler = async () => [require('a'), require('a/extra'), require('@s/b').x, require('c')];`,
			"node_modules/a/package.json", `{"name": "a", "main": "lib/main"}`, "node_modules/a/lib/main.js", `module.exports = 'a+' + require('c')`, "node_modules/a/extra.js", `module.exports = 'extra'`,
			"node_modules/a/node_modules/c/index.js", `module.exports = 'inner c'`, "node_modules/c.js", `module.exports = 'outer c'`,
			"node_modules/@s/b/package.json", `{"exports": {".": {"import": "./no.mjs", "require": "./yes.cjs"}}}`, "node_modules/@s/b/yes.cjs", `exports.x = 'cjs'`,
		}, `["a+inner c","extra","cjs","outer c"]`},
		{"exports patterns and imports", "index.handler", []string{
			"package.json", `{"name": "me", "imports": {"#x": "./x.js"}, "exports": {".": "./index.js", "./f/*": "./feature/*.js", "./f/secret": null}}`,
			"index.js", `const fail = (n) => { try { require(n) } catch (e) { return e.code } }; exports.handler = async () => [require('#x'), require('me/f/one'), fail('me/f/secret'), fail('me/other'), fail('#y'), fail('./none'), fail('node:nope')];`,
			"x.js", `module.exports = 'x'`, "feature/one.js", `module.exports = 1`,
		}, `["x",1,"ERR_PACKAGE_PATH_NOT_EXPORTED","ERR_PACKAGE_PATH_NOT_EXPORTED","ERR_PACKAGE_IMPORT_NOT_DEFINED","MODULE_NOT_FOUND","ERR_UNKNOWN_BUILTIN_MODULE"]`},
		{"cycles", "index.handler", []string{
			"index.js", `exports.early = 1; exports.b = require('./b'); exports.handler = async () => exports.b.seen;`, "b.js", `exports.seen = Object.keys(require('./index'))`,
		}, `["early"]`},
		{"ES module by extension", "index.handler", []string{
			"index.mjs", `import path, { join } from 'node:path'; import data from './d.json' with { type: 'json' }; import cjs, { named } from './c.cjs'; import * as ns from './e.mjs';
				const late = await new Promise((r) => setTimeout(r, 2, 'late')); const dyn = await import('./e.mjs');
				export const handler = async () => [join('a', 'b') === path.join('a', 'b'), data.k, cjs.named, named, ns.default, late, dyn.n === ns.n, import.meta.url, import.meta.filename, import.meta.dirname, typeof require, this === undefined];`,
			"d.json", `{"k": 5}`, "c.cjs", `exports.named = 'c'`, "e.mjs", `export default 'e'; export let n = {};`,
		}, `[true,5,"c","c","e","late",true,"file:///var/task/index.mjs","/var/task/index.mjs","/var/task","undefined",true]`},
		{"ES module by type", "app.handler", []string{
			"package.json", `{"type": "module"}`, "app.js", `import { x } from 'p'; export async function handler() { return x }`,
			"node_modules/p/package.json", `{"exports": {"import": "./m.mjs", "require": "./no.cjs"}}`, "node_modules/p/m.mjs", `export const x = 'esm'`,
		}, `"esm"`},
		{"import() from CommonJS, createRequire", "index.handler", []string{
			"index.js", `exports.handler = async () => { const m = await import('./m.mjs'); return [m.a, m.b] }`,
			"m.mjs", `import { createRequire } from 'module'; export const a = 1; export const b = createRequire(import.meta.url)('./j.json');`, "j.json", `[2]`,
		}, `[1,[2]]`},
		{"require() of ES modules", "index.handler", []string{
			"index.js", `const m = require('./m.mjs'), p = require('p'), x = require('./x.mjs'); const fail = (n) => { try { return require(n) } catch (e) { return e.code ?? e.message } };
				exports.handler = async () => [m.default, m.named, m.__esModule, require('./m.mjs') === m, p, x, fail('./await.mjs'), fail('./throws.mjs'), (await import('./m.mjs')).named];`,
			"m.mjs", `import { readFileSync } from 'fs'; import './dep.mjs'; export default 'd'; export const named = typeof readFileSync + globalThis.dep;`, "dep.mjs", `globalThis.dep = 1`,
			"node_modules/p/package.json", `{"type": "module", "exports": {"module-sync": "./p.js", "default": "./no.cjs"}}`, "node_modules/p/p.js", `export { own as 'module.exports' }; const own = 'own';`,
			"x.mjs", `export const a = 1`, "await.mjs", `export const b = await 1`, "throws.mjs", `throw new Error('at load')`,
		}, `["d","function1",true,true,"own",{"a":1},"ERR_REQUIRE_ASYNC_MODULE","at load","function1"]`},
		{"nested handler property", "index.a.b", []string{"index.js", `exports.a = { b: async () => 'nested' }`}, `"nested"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := start(t, task(c.files...))
			if s, b := g.load("nodejs20.x", c.handler); s != abi.StatusDone {
				t.Fatalf("load: %v %s", s, b)
			}
			if s, b := g.invoke(`{}`); s != abi.StatusDone || b != c.want {
				t.Errorf("%v %s, want %s", s, b, c.want)
			}
		})
	}
}

// Each core module does a representative job; what is compared was written down from Node.js 20.
func TestWebAssembly(t *testing.T) {
	g := loaded(t, "nodejs20.x", `exports.handler = async () => { const e = await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).catch((e) => e); return [e.name, e.message, WebAssembly.validate(new Uint8Array(8)), WebAssembly === globalThis.WebAssembly] };`)
	if s, b := g.invoke(`{}`); s != abi.StatusDone || b != `["CompileError","WebAssembly.compile(): modules of functions can't run in this runtime",false,true]` {
		t.Errorf("%v %s", s, b)
	}
}

// Before Node.js 20 require() takes CommonJS only.
func TestRequireOfModuleRefused(t *testing.T) {
	g := start(t, task("index.js", `exports.handler = async () => { try { require('./m.mjs') } catch (e) { return [e.code, require('p')] } };`, "m.mjs", `export const a = 1`,
		"node_modules/p/package.json", `{"exports": {"module-sync": "./p.mjs", "default": "./p.cjs"}}`, "node_modules/p/p.cjs", `module.exports = 'cjs'`))
	if s, b := g.load("nodejs18.x", "index.handler"); s != abi.StatusDone {
		t.Fatalf("load: %v %s", s, b)
	}
	if s, b := g.invoke(`{}`); s != abi.StatusDone || b != `["ERR_REQUIRE_ESM","cjs"]` {
		t.Errorf("%v %s", s, b)
	}
}

func TestCoreModules(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"path", `const p = require('path'); return [p.resolve('a/../b'), p.relative('/a/b/c', '/a/d'), p.parse('/x/y.tar.gz').ext, p.win32.basename('c:\\x\\y')]`, `["/var/task/b","../../d",".gz","y"]`},
		{"util", `const u = require('util'); return [u.inspect({ a: { b: { c: { d: 1 } } }, s: new Set([1]), p: Promise.resolve(4), m: new Map([[{}, []]]).entries() }), u.format('%s %o', 'x', [1]), u.isDeepStrictEqual({ a: [1] }, { a: [1] }), u.types.isProxy(new Proxy({}, {})), typeof (await u.promisify(setTimeout)(1))]`,
			`["{\n  a: { b: { c: [Object] } },\n  s: Set(1) { 1 },\n  p: Promise { 4 },\n  m: [Map Entries] { [ {}, [] ] }\n}","x [ 1, [length]: 1 ]",true,true,"undefined"]`},
		{"events", `const E = require('events'); const e = new E(); const seen = []; e.once('x', (v) => seen.push(v)); e.on('x', (v) => seen.push(v * 2)); e.emit('x', 1); e.emit('x', 2); const w = E.once(e, 'y'); e.emit('y', 7); let m; try { e.emit('error', new Error('bad')) } catch (x) { m = x.message } return [seen, await w, m]`, `[[1,2,4],[7],"bad"]`},
		{"buffer", `const b = Buffer.from('héllo wörld€😀'); return [b.length, b.toString('hex'), b.toString('base64'), Buffer.from(b.toString('base64url'), 'base64url').equals(b), b.toString('latin1', 0, 3), b.indexOf('w'), b.slice(2, 5).toString('utf8'), Buffer.concat([Buffer.alloc(2, 'ab'), Buffer.from([1, 2])]), b.readUInt32BE(0), Buffer.from('ff0g', 'hex').length, Buffer.from([0xff, 0x41]).toString(), Buffer.byteLength('€'), b.includes('😀'), Buffer.compare(Buffer.from('a'), Buffer.from('b')), Buffer.from('zz', 'ucs2').toString('hex')]`,
			`[20,"68c3a96c6c6f2077c3b6726c64e282acf09f9880","aMOpbGxvIHfDtnJsZOKCrPCfmIA=",true,"hÃ©",7,"�ll",{"type":"Buffer","data":[97,98,1,2]},1757653356,1,"�A",3,true,-1,"7a007a00"]`},
		{"string_decoder", `const { StringDecoder } = require('string_decoder'); const d = new StringDecoder('utf8'); const s = Buffer.from('€😀x'); let r = ''; for (const x of s) r += d.write(Buffer.from([x])); const e = new StringDecoder('utf8'); const partial = e.write(Buffer.from([0xe2, 0x82])); return [r + d.end(), partial, e.end()]`, `["€😀x","","�"]`},
		{"querystring", `const q = require('querystring'); return [q.parse('a=1&b=2&a=%E2%82%AC'), q.stringify({ x: ['1', '2'], y: 'ü' })]`, `[{"a":["1","€"],"b":"2"},"x=1&x=2&y=%C3%BC"]`},
		{"assert", `const a = require('assert'); const out = []; for (const f of [() => a.strictEqual(1, 2), () => a.deepStrictEqual({ a: 1 }, { a: 2 }), () => a.throws(() => {})]) { try { f() } catch (e) { out.push(e.code, e.message.split('\n')[0]) } } a.deepEqual([1, { b: 2 }], [1, { b: '2' }]); return out`,
			`["ERR_ASSERTION","Expected values to be strictly equal:","ERR_ASSERTION","Expected values to be strictly deep-equal:","ERR_ASSERTION","Missing expected exception."]`},
		{"os", `const o = require('os'); return [o.platform(), o.tmpdir(), o.EOL, o.endianness(), o.type(), o.arch(), o.totalmem()]`, `["linux","/tmp","\n","LE","Linux","x64",134217728]`},
		{"fs", `const fs = require('fs'); fs.mkdirSync('/tmp/a/b', { recursive: true }); fs.writeFileSync('/tmp/a/f.txt', 'héllo'); fs.appendFileSync('/tmp/a/f.txt', '!'); const s = fs.statSync('/tmp/a/f.txt'); let e; try { fs.readFileSync('/tmp/none') } catch (x) { e = [x.code, x.errno, x.message] } const r = [fs.readFileSync('/tmp/a/f.txt', 'utf8'), fs.readFileSync('/tmp/a/f.txt').length, s.size, s.isFile(), fs.readdirSync('/tmp/a').sort(), fs.existsSync('/tmp/a'), fs.existsSync('/x'), e, fs.readdirSync('/tmp/a', { withFileTypes: true }).map((d) => d.name + d.isDirectory()).sort()]; fs.renameSync('/tmp/a/f.txt', '/tmp/a/g'); fs.copyFileSync('/tmp/a/g', '/tmp/a/h'); fs.unlinkSync('/tmp/a/g'); r.push(fs.readdirSync('/tmp/a').sort()); fs.rmSync('/tmp/a', { recursive: true }); r.push(fs.existsSync('/tmp/a')); return r`,
			`["héllo!",7,7,true,["b","f.txt"],true,false,["ENOENT",-2,"ENOENT: no such file or directory, open '/tmp/none'"],["btrue","f.txtfalse"],["b","h"],false]`},
		{"fs asynchronous", `const fs = require('fs'), p = fs.promises; await p.writeFile('/tmp/x', 'data'); const viaCallback = await new Promise((r, j) => fs.readFile('/tmp/x', 'utf8', (e, d) => e ? j(e) : r(d))); let code; try { await p.stat('/tmp/nope') } catch (e) { code = e.code } const stream = await new Promise((r, j) => { let s = ''; fs.createReadStream('/tmp/x', { encoding: 'utf8' }).on('data', (d) => s += d).on('end', () => r(s)).on('error', j) }); await new Promise((r, j) => { const w = fs.createWriteStream('/tmp/y'); w.on('finish', r).on('error', j); w.write('one '); w.end('two') }); return [viaCallback, code, stream, await p.readFile('/tmp/y', 'utf8'), (await p.readdir('/tmp')).sort()]`,
			`["data","ENOENT","data","one two",["x","y"]]`},
		{"stream", `const { Readable, Transform, pipeline } = require('stream'); const { promisify } = require('util'); const out = []; await promisify(pipeline)(Readable.from(['a', 'b']), new Transform({ transform(c, e, done) { done(null, c.toString().toUpperCase()) } }), async function* (src) { for await (const c of src) out.push(c.toString()) }); return out`, `["AB"]`},
		{"timers and abort", `const a = new AbortController(); setTimeout(() => a.abort(), 1); let n; try { await require('timers/promises').setTimeout(1000, 0, { signal: a.signal }) } catch (e) { n = [e.name, e.code] } return [n, a.signal.aborted]`, `[["AbortError","ABORT_ERR"],true]`},
		{"encoding", `return [new TextEncoder().encode('€').length, new TextDecoder().decode(new Uint8Array([0xE2, 0x82, 0xAC, 0xFF])), atob('aGk='), btoa('hi'), 'a'.normalize('NFC')]`, `[3,"€�","hi","aGk=","a"]`},
		{"async_hooks", `const { AsyncLocalStorage } = require('async_hooks'); const s = new AsyncLocalStorage(); return new Promise((done) => { const out = []; for (const n of [1, 2]) s.run(n, () => setTimeout(() => process.nextTick(() => setImmediate(() => { out.push(s.getStore()); if (n === 2) done([out, typeof s.run]) })), 3)) })`, `[[1,2],"function"]`},
		{"errors", `const e = new Error('x'); e.name = 'Custom'; let c; try { Buffer.alloc('q') } catch (x) { c = [x.code, x.stack.split('\n')[0]] } class My extends Error {} const o = {}; Error.captureStackTrace(o); return [e.stack.split('\n')[0], Object.getOwnPropertyNames(e).includes('stack'), c, new My('m').stack.split('\n')[0], typeof o.stack, Object.prototype.toString.call(process)]`,
			`["Custom: x",true,["ERR_INVALID_ARG_TYPE","TypeError [ERR_INVALID_ARG_TYPE]: The \"size\" argument must be of type number. Received type string ('q')"],"Error: m","string","[object process]"]`},
		{"url", `const u = new URL('https://user:pw@Example.COM:8080/a/../b%20c/?q=1&r=ä#frag'); u.searchParams.append('z', '1 2'); const l = require('url').parse('http://h:1/p?q=1', true); let bad; try { new URL('nope') } catch (e) { bad = e.code } return [u.href, u.host, u.pathname, u.origin, l.hostname, l.query, new URL('../x?y', 'http://a/b/c/d').href, bad, new URLSearchParams('a=1&a=2').getAll('a'), require('url').fileURLToPath('file:///tmp/a%20b'), URL.canParse('x:y')]`,
			`["https://user:pw@example.com:8080/b%20c/?q=1&r=%C3%A4&z=1+2#frag","example.com:8080","/b%20c/","https://example.com:8080","h",{"q":"1"},"http://a/b/x?y","ERR_INVALID_URL",["1","2"],"/tmp/a b",true]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := loaded(t, "nodejs20.x", "exports.handler = async () => {\n"+c.body+"\n}")
			if s, b := g.invoke(`{}`); s != abi.StatusDone || b != c.want {
				t.Errorf("%v %s\nwant %s\n%s", s, b, c.want, strings.Join(g.logs, "\n"))
			}
		})
	}
}

func TestStandardStreams(t *testing.T) {
	g := loaded(t, "nodejs20.x", `exports.handler = async () => { process.stdout.write('raw € '); process.stderr.write('err\n'); return require('fs').writeSync(1, 'x') }`)
	if s, b := g.invoke(`{}`); s != abi.StatusDone || b != "1" || g.stdout.String() != "raw € err\nx" {
		t.Errorf("%v %s %q", s, b, g.stdout.String())
	}
}
