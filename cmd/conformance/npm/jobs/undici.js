// undici
'use strict';
const { request, Agent } = require('undici');
exports.handler = async () => {
  const agent = new Agent({ connections: 2 });
  const r = await request(`${process.env.HTTP_URL}/echo?z=1`, { method: 'PUT', body: 'hello', headers: { 'x-b': '2' }, dispatcher: agent });
  const j = await r.body.json();
  await agent.close();
  return [r.statusCode, j.method, j.url, j.body, j.headers['x-b']];
};
