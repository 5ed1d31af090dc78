// pako
'use strict';
const pako = require('pako');
exports.handler = async () => {
  const text = 'abc'.repeat(1000);
  const z = pako.deflate(text);
  return [z.length, pako.inflate(z, { to: 'string' }) === text, Buffer.from(pako.gzip('hello', { level: 9 })).toString('hex').slice(0, 20), pako.ungzip(pako.gzip(Buffer.from([1, 2, 3]))).length];
};
