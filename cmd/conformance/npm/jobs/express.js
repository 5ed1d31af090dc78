// express serverless-http
'use strict';
const serverless = require('serverless-http');
const express = require('express');
const app = express();
app.use(express.json());
app.get('/hello/:name', (req, res) => { res.set('x-made', 'yes').json({ hello: req.params.name, q: req.query }); });
app.post('/sum', (req, res) => res.status(201).send(String(req.body.reduce((a, b) => a + b, 0))));
app.use((req, res) => res.status(404).send('nothing'));
const handle = serverless(app);
exports.handler = async (event, context) => {
  const call = async (method, path, body, query) => {
    const r = await handle({ httpMethod: method, path, headers: { 'content-type': 'application/json', host: 'x' }, queryStringParameters: query || null, body: body ? JSON.stringify(body) : null, isBase64Encoded: false, requestContext: { identity: {} } }, context);
    return [r.statusCode, r.body, r.headers['content-type'], r.headers['x-made']];
  };
  return [await call('GET', '/hello/w', null, { a: '1' }), await call('POST', '/sum', [1, 2, 3]), await call('GET', '/none')];
};
