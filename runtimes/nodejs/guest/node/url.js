'use strict';
module.exports = { urlComponents: new Uint32Array(9), parse() { throw new Error('not yet'); }, canParse: () => false, update: () => false, domainToASCII: (x) => x, domainToUnicode: (x) => x, format: (x) => x, getOrCreateList() {} };
