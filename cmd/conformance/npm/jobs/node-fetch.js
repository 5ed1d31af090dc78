// node-fetch
'use strict';
const fetch = require('node-fetch');
exports.handler = async () => {
  const u = process.env.HTTP_URL;
  const r = await fetch(`${u}/echo`, { method: 'POST', body: new URLSearchParams({ a: '1', b: 'x y' }) });
  const j = await r.json();
  const missing = await fetch(`${u}/status/503`);
  return [r.ok, j.body, j.headers['content-type'], missing.status, missing.statusText, await (await fetch(`${u}/gzip`)).text(), (await (await fetch(`${u}/redirect`)).json()).url];
};
