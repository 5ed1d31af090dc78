// immer
'use strict';
const { produce, enablePatches, produceWithPatches } = require('immer');
enablePatches();
exports.handler = async () => {
  const base = { list: [{ n: 1 }, { n: 2 }], map: { a: 1 } };
  const next = produce(base, (d) => { d.list[0].n = 5; d.list.push({ n: 3 }); delete d.map.a; });
  const [, patches] = produceWithPatches(base, (d) => { d.list[1].n = 9; });
  return [next, base.list[0].n, next.list[1] === base.list[1], Object.isFrozen(next), patches];
};
