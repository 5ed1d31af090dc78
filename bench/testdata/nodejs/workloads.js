'use strict';
// The processor's work of bench nodejs: each a millisecond or two, which is less than a time slice: other work on the machine
// then disturbs some rounds and not all.
globalThis.workloads = {
  fib() { const f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); return f(19); },
  json() {
    const o = []; for (let i = 0; i < 60; i++) o.push({ id: i, name: `name ${i}`, tags: ['a', 'b', 'c'], nested: { x: i / 3, y: null, z: true } });
    let n = 0; for (let i = 0; i < 1; i++) n += JSON.stringify(JSON.parse(JSON.stringify(o))).length; return n;
  },
  sort() { const a = []; let x = 1; for (let i = 0; i < 2500; i++) { x = (x * 1103515245 + 12345) % 2147483648; a.push(x); } return a.sort((p, q) => p - q)[0]; },
  string() { let s = ''; for (let i = 0; i < 1500; i++) s += `item ${i}, `; return s.split(', ').map((p) => p.toUpperCase()).filter((p) => p.includes('7')).join('|').replaceAll('ITEM', 'x').length; },
  regex() { const text = 'The year 2016 saw 1,024 functions and user@example.com wrote 42 lines. '.repeat(30); let n = 0; for (let i = 0; i < 2; i++) n += [...text.matchAll(/\b[\w.]+@[\w.]+\b|\d[\d,]*/g)].length + text.replace(/(\w+) (\w+)/g, '$2 $1').length; return n; },
  objects() { class P { constructor(x, y) { this.x = x; this.y = y; } add(o) { return new P(this.x + o.x, this.y + o.y); } } let p = new P(0, 0); const q = new P(1, 2); for (let i = 0; i < 4000; i++) p = p.add(q); return p.x + p.y; },
  typed() { const a = new Float64Array(4096), b = new Uint8Array(4096); let s = 0; for (let r = 0; r < 3; r++) for (let i = 0; i < 4096; i++) { a[i] = a[i] * 0.5 + i; b[i] = (b[i] + i) & 255; s += b[i]; } return s + a[7]; },
  map() { const m = new Map(); for (let i = 0; i < 1500; i++) m.set(`k${i % 400}`, i); let s = 0; for (const [k, v] of m) s += v + k.length; const t = new Set(); for (let i = 0; i < 1500; i++) t.add(i % 1000); return s + t.size; },
};
