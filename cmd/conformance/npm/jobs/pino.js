// pino
'use strict';
const pino = require('pino');
exports.handler = async () => {
  const lines = [];
  const log = pino({ base: { app: 'x' }, timestamp: false, redact: ['secret', 'a.b'] }, { write: (l) => lines.push(JSON.parse(l)) });
  log.info({ secret: 1, a: { b: 2, c: 3 } }, 'hello %s %d', 'w', 5);
  log.child({ req: 7 }).error(new TypeError('bad'));
  if (lines[1] && lines[1].err) delete lines[1].err.stack;
  return lines;
};
