// lodash
'use strict';
const _ = require('lodash');
exports.handler = async () => ({
  group: _.groupBy([6.1, 4.2, 6.3], Math.floor), chunk: _.chunk(_.range(7), 3), get: _.get({ a: [{ b: { c: 3 } }] }, 'a[0].b.c'), deep: _.cloneDeep({ d: new Date(0), m: new Map([[1, { x: 1 }]]).size, r: /x/g.source }),
  kebab: _.kebabCase('fooBarÄpfel baz'), merge: _.merge({ a: [{ b: 2 }] }, { a: [{ c: 3 }] }), sort: _.orderBy([{ u: 'b', a: 1 }, { u: 'a', a: 2 }, { u: 'a', a: 1 }], ['u', 'a'], ['asc', 'desc']),
  words: _.words('fred, barney & pebbles'), template: _.template('hello <%= user %>!')({ user: 'fred' }), deburr: _.deburr('déjà vu'),
});
