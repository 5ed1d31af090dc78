#!/usr/bin/env bash
# Records what Node.js answers to the programs of this folder: run it with Node.js 20 on PATH, and look at the differences.
set -euo pipefail
cd "$(dirname "$0")"
for f in *.js; do
	# In a function of a CommonJS module, as handlers are.
	node -e "const body = require('fs').readFileSync('$f', 'utf8'); const m = new module.constructor('/var/task/index.js'); m.paths = [];
		m._compile('exports.run = async () => {\n' + body + '\n}', '/var/task/index.js');
		m.exports.run().then((r) => require('fs').writeFileSync('${f%.js}.json', '[\n' + r.map((x) => JSON.stringify(x)).join(',\n') + '\n]\n'))" 2>/dev/null
done
