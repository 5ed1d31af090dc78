// lru-cache
'use strict';
const { LRUCache } = require('lru-cache');
exports.handler = async () => {
  const gone = [];
  const c = new LRUCache({ max: 2, dispose: (v, k) => gone.push(k) });
  c.set('a', 1); c.set('b', 2); c.get('a'); c.set('c', 3);
  return [[...c.keys()], gone, c.has('b'), await new LRUCache({ max: 5, fetchMethod: async (k) => k + '!' }).fetch('x')];
};
