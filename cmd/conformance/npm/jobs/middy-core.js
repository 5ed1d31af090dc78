// @middy/core @middy/http-json-body-parser
'use strict';
const middy = require('@middy/core');
const body = require('@middy/http-json-body-parser');
const handler = (middy.default || middy)(async (event) => ({ n: event.body.n + 1 }))
  .use((body.default || body)())
  .use({ before: (r) => { r.context.seen = ['before']; }, after: (r) => { r.response.seen = r.context.seen; }, onError: (r) => { r.response = { error: r.error.name, status: r.error.statusCode }; } });
exports.handler = async (event, context) => [await handler({ headers: { 'Content-Type': 'application/json' }, body: '{"n":1}' }, { ...context }), await handler({ headers: { 'Content-Type': 'application/json' }, body: '{' }, { ...context })];
