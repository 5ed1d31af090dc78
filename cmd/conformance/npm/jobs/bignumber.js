// bignumber.js
'use strict';
const BigNumber = require('bignumber.js');
exports.handler = async () => [new BigNumber('0.1').plus('0.2').toString(), new BigNumber(2).sqrt().toFixed(40), new BigNumber('123456789012345678901234567890').times('98765').toFormat(2)];
