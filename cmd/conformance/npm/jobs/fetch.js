// fetch
'use strict';
exports.handler = async () => {
  const u = process.env.HTTP_URL;
  const r = await fetch(`${u}/echo`, { method: 'POST', body: JSON.stringify({ a: 'ä' }), headers: { 'content-type': 'application/json' } });
  const j = await r.json();
  const c = new AbortController();
  setTimeout(() => c.abort(), 20);
  let aborted;
  try { await fetch(`${u}/slow`, { signal: c.signal }); } catch (e) { aborted = e.name; }
  return [r.status, r.headers.get('content-type'), j.method, JSON.parse(j.body), aborted, await (await fetch(`${u}/gzip`)).text()];
};
