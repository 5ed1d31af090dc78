// ramda
'use strict';
const R = require('ramda');
exports.handler = async () => [R.pipe(R.filter((n) => n % 2), R.map(R.multiply(2)), R.sum)([1, 2, 3]), R.groupBy(R.prop('t'), [{ t: 'a', n: 1 }, { t: 'b', n: 2 }, { t: 'a', n: 3 }]), R.evolve({ a: R.inc }, { a: 1, b: 2 }), R.path(['a', 0, 'b'], { a: [{ b: 5 }] }), R.zipObj(['x', 'y'], [1, 2]), R.curry((a, b, c) => a + b + c)(1)(2)(3)];
