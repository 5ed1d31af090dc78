// winston
'use strict';
const winston = require('winston');
const { Writable } = require('stream');
exports.handler = async () => {
  const lines = [];
  const log = winston.createLogger({ level: 'debug', format: winston.format.combine(winston.format.errors({ stack: false }), winston.format.splat(), winston.format.json()), defaultMeta: { s: 'x' },
    transports: [new winston.transports.Stream({ stream: new Writable({ write(c, e, done) { lines.push(JSON.parse(c)); done(); } }) })] });
  log.info('hello %s', 'w', { a: 1 });
  log.silly('no');
  log.error(new Error('bad'));
  await new Promise((r) => { log.on('finish', r); log.end(); });
  for (const l of lines) delete l.stack;
  return lines;
};
