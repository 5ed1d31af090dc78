// bluebird
'use strict';
const Promise = require('bluebird');
exports.handler = (event, context, callback) => {
  Promise.map([3, 1, 2], (n) => Promise.delay(n * 3).then(() => n * n), { concurrency: 2 }).reduce((a, b) => a + b, 0)
    .timeout(1000).then((sum) => Promise.try(() => { throw new TypeError(`sum ${sum}`); }))
    .catch(RangeError, () => 'wrong').catch(TypeError, (e) => e.message).asCallback(callback);
};
