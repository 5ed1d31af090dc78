// js-yaml
'use strict';
const yaml = require('js-yaml');
exports.handler = async () => {
  const o = yaml.load('a: &x {n: 1}\nb: *x\nlist:\n  - 2024-01-02\n  - !!binary aGk=\n  - >-\n    folded\n    text\n');
  let error;
  try { yaml.load('a: [1'); } catch (e) { error = [e.name, e.reason]; }
  return [o.a, o.b === o.a, o.list[0].toISOString(), Buffer.from(o.list[1]).toString(), o.list[2], yaml.dump({ z: [1, { y: 'a: b' }], t: 'x\ny' }), error];
};
