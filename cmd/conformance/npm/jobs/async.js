// async
'use strict';
const async = require('async');
exports.handler = async () => {
  const order = [];
  const results = await async.mapLimit([30, 10, 20], 2, async (ms) => { await new Promise((r) => setTimeout(r, ms)); order.push(ms); return ms * 2; });
  const flow = await async.auto({ a: async () => 1, b: ['a', async ({ a }) => a + 1], c: ['a', 'b', async (r) => r.a + r.b] });
  return { results, order, flow };
};
