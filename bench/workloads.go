package main

import (
	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/runtimes/nodejs"
	"github.com/thawrun/thaw/runtimes/python"
)

// workload is a small CPU-bound program with a function run.
type workload struct{ name, code string }

// interpreter is a guest with programs in its language.
type interpreter struct {
	guest         func() *abi.Guest
	runtime, file string
	handler       string // code behind a workload's: calls run as often as the event says
	linked        string // in the build folder, the module before wasm-opt; "" = the build doesn't use it
	workloads     []workload
}

func interpreters() []interpreter {
	return []interpreter{
		{
			guest: python.Guest, runtime: "python3.13", file: "app.py", linked: "python313/wasm/linked.wasm",
			handler: "\ndef handler(event, context):\n    for _ in range(event): run()\n",
			workloads: []workload{
				{"fib", "def f(n): return n if n < 2 else f(n-1) + f(n-2)\ndef run(): return f(19)"},
				{"json", "import json\nd = {'a': list(range(200)), 'b': ['x' * 20] * 100, 'c': {str(i): i / 3 for i in range(100)}}\ndef run(): return len(json.dumps(json.loads(json.dumps(d))))"},
				{"sort", "import random\nrandom.seed(1)\nv = [random.random() for _ in range(6000)]\ndef run(): return len(sorted(v))"},
				{"string", "def run(): return len(' '.join(str(i) for i in range(6000)).upper().replace('1', 'one').split())"},
				{"regex", "import re\nr = re.compile(r'(\\w+)@(\\w+)\\.com')\ntext = 'x y z foo@bar.com ' * 300\ndef run(): return len(r.findall(text))"},
				{"sha256", "import hashlib\ndata = b'x' * 200000\ndef run(): return hashlib.sha256(data).hexdigest()"},
				{"dict", "def run():\n    d = {}\n    for i in range(9000): d[i % 997] = d.get(i % 997, 0) + i\n    return len(d)"},
				{"objects", "class P:\n    def __init__(self, x): self.x = x\n    def add(self, o): return P(self.x + o.x)\ndef run():\n    p = P(0)\n    for i in range(5000): p = p.add(P(i))\n    return p.x"},
			},
		},
		{
			guest: nodejs.Guest, runtime: "nodejs20.x", file: "app.js",
			handler: "\nexports.handler = async (n) => { for (let i = 0; i < n; i++) run(); };\n",
			workloads: []workload{
				{"fib", "function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\nfunction run() { return f(19); }"},
				{"json", "const d = {a: Array.from({length: 200}, (_, i) => i), b: Array(100).fill('x'.repeat(20)), c: Object.fromEntries(Array.from({length: 100}, (_, i) => [String(i), i / 3]))};\nfunction run() { return JSON.stringify(JSON.parse(JSON.stringify(d))).length; }"},
				{"sort", "let x = 1; const v = Array.from({length: 3000}, () => (x = (x * 1103515245 + 12345) % 2147483648) / 2147483648);\nfunction run() { return v.slice().sort((a, b) => a - b).length; }"},
				{"string", "function run() { let s = []; for (let i = 0; i < 3000; i++) s.push(String(i)); return s.join(' ').toUpperCase().replace(/1/g, 'one').split(' ').length; }"},
				{"regex", "const r = /(\\w+)@(\\w+)\\.com/g, text = 'x y z foo@bar.com '.repeat(100);\nfunction run() { return text.match(r).length; }"},
				{"matrix", "const n = 24, a = Array.from({length: n * n}, (_, i) => i % 7), b = new Float64Array(n * n).fill(1.5);\nfunction run() { const c = new Float64Array(n * n); for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) { let s = 0; for (let k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j]; c[i * n + j] = s; } return c[5]; }"},
				{"map", "function run() { const m = new Map(); for (let i = 0; i < 1500; i++) m.set(i % 997, (m.get(i % 997) || 0) + i); return m.size; }"},
				{"objects", "class P { constructor(x) { this.x = x; } add(o) { return new P(this.x + o.x); } }\nfunction run() { let p = new P(0); for (let i = 0; i < 4000; i++) p = p.add(new P(i)); return p.x; }"},
			},
		},
	}
}
