// p-limit
'use strict';
const pLimit = require('p-limit');
exports.handler = async () => {
  const limit = pLimit(2);
  let now = 0, most = 0;
  await Promise.all([1, 2, 3, 4, 5].map((n) => limit(async () => { most = Math.max(most, ++now); await new Promise((r) => setTimeout(r, 2)); now--; })));
  return [most, limit.pendingCount];
};
