// validator
'use strict';
const v = require('validator');
exports.handler = async () => [v.isEmail('a@b.co'), v.isURL('https://x.y/z?a#b'), v.isIP('::1', 6), v.isCreditCard('4111111111111111'), v.escape('<a>&"'), v.normalizeEmail('A.b+c@GMail.com'), v.isISO8601('2024-02-30', { strict: true }), v.isStrongPassword('aB3$efgh'), v.isIBAN('DE89370400440532013000')];
