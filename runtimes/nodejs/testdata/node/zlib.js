// Body of an async function; what Node.js 20 answers is in the .json beside it.
const z = require('zlib'); const out = []; const { promisify: P } = require('util');
const T = async (f) => { try { let v = await f(); if (v instanceof Uint8Array) v = Buffer.from(v).toString('hex'); out.push(v === undefined ? null : v); } catch (e) { out.push([e.name, e.code ?? null, e.message, e.errno ?? null]); } };
const text = 'hello hello hello hello '.repeat(500);
for (const [a, b] of [['deflate', 'inflate'], ['gzip', 'gunzip'], ['deflateRaw', 'inflateRaw'], ['brotliCompress', 'brotliDecompress'], ['gzip', 'unzip'], ['deflate', 'unzip']]) {
  await T(() => z[`${b}Sync`](z[`${a}Sync`](text)).toString() === text);
  await T(async () => (await P(z[b])(await P(z[a])(text))).toString() === text);
  await T(() => z[`${b}Sync`](z[`${a}Sync`](text).subarray(0, 9)).toString());
  await T(() => z[`${b}Sync`](Buffer.from('nonsense nonsense')).toString());
}
await T(() => z.gunzipSync('1f8b08000000000000034bcf4f49050087bb6f5004000000', 'x'));
await T(() => z.gunzipSync(Buffer.from('1f8b0800000000000003cb48cdc9c95748ab2cc8cc2f01005e21a3390a000000', 'hex')).toString());
await T(() => z.gunzipSync(Buffer.concat([z.gzipSync('abc'), z.gzipSync('def'), Buffer.alloc(10)])).toString());
await T(() => z.gunzipSync(Buffer.concat([z.gzipSync('abc'), Buffer.from([0x50, 1, 2, 3])])).toString());
await T(() => z.gunzipSync(Buffer.concat([z.gzipSync('abc'), Buffer.from([0x1f, 0x8b, 0xff, 0xff]), Buffer.alloc(10)])).toString());
await T(() => z.inflateSync(z.deflateSync(text, { dictionary: Buffer.from('hello ') }), { dictionary: Buffer.from('hello ') }).length);
await T(() => z.inflateSync(z.deflateSync(text, { dictionary: Buffer.from('hello ') })));
await T(() => z.inflateSync(z.deflateSync(text, { dictionary: Buffer.from('hello ') }), { dictionary: Buffer.from('hallo ') }));
await T(() => z.deflateSync(text, { level: 99 }));
await T(() => z.inflateSync(z.deflateSync(text), { maxOutputLength: 100 }));
await T(() => new Promise((r, j) => { const g = z.createGzip(), u = z.createGunzip(); let s = ''; g.pipe(u); u.on('data', (d) => s += d).on('end', () => r(s === text)).on('error', j); for (let i = 0; i < text.length; i += 1000) g.write(text.slice(i, i + 1000)); g.end() }));
await T(() => new Promise((r, j) => { const u = z.createGunzip(); let s = ''; const d = Buffer.concat([z.gzipSync('abc'), z.gzipSync('def')]); u.on('data', (x) => s += x).on('end', () => r(s)).on('error', j); for (const b of d) u.write(Buffer.from([b])); u.end() }));
await T(() => new Promise((r, j) => { const g = z.createDeflate(); const parts = []; g.on('data', (d) => parts.push(d)); g.write('abc'); g.flush(() => { r(z.inflateSync(Buffer.concat(parts), { finishFlush: z.constants.Z_SYNC_FLUSH }).toString()); g.close() }) }));
await T(() => new Promise((r, j) => { const g = z.createDeflate({ level: 0 }); const parts = []; g.on('data', (d) => parts.push(d)); g.on('end', () => r(z.inflateSync(Buffer.concat(parts)).toString())); g.write('abc'); g.params(9, 0, (e) => { g.end('def') }) }));
await T(() => new Promise((r, j) => { z.createInflate().on('error', (e) => r([e.code, e.errno, e.message])).end('nonsense') }));
await T(() => z.brotliDecompressSync(z.brotliCompressSync(text, { params: { [z.constants.BROTLI_PARAM_QUALITY]: 4 } })).length);
await T(() => [z.crc32('hello'), z.crc32(Buffer.from('world'), z.crc32('hello'))]);
await T(() => z.brotliDecompressSync(Buffer.from('iwCAaGVsbG8D', 'base64')).toString());
await T(async () => { const { pipeline } = require('stream/promises'); const { Readable } = require('stream'); const parts = []; await pipeline(Readable.from([text]), z.createBrotliCompress(), z.createBrotliDecompress(), async function* (s) { for await (const c of s) parts.push(c) }); return Buffer.concat(parts).toString() === text });
return out;
