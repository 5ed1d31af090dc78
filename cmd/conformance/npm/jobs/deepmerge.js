// deepmerge
'use strict';
const merge = require('deepmerge');
exports.handler = async () => merge.all([{ a: [1], b: { c: 1 } }, { a: [2], b: { d: 2 } }]);
