// node:http
'use strict';
const http = require('http');
const get = (path, options) => new Promise((resolve, reject) => {
  http.get(process.env.HTTP_URL + path, options || {}, (res) => {
    let t = '';
    res.setEncoding('utf8').on('data', (c) => { t += c; }).on('end', () => resolve([res.statusCode, t, res.httpVersion])).on('error', reject);
  }).on('error', reject);
});
exports.handler = async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const all = await Promise.all([1, 2, 3].map((n) => get(`/port?n=${n}`, { agent })));
  agent.destroy();
  const refused = await new Promise((r) => http.get('http://127.0.0.1:1/').on('error', (e) => r(e.code)));
  return [all.map((a) => a[0]), new Set(all.map((a) => a[1])).size, refused, (await get('/echo'))[2]];
};
