// papaparse
'use strict';
const Papa = require('papaparse');
exports.handler = async () => [Papa.parse('a;b\n1;"x;y"\n2;z', { header: true, dynamicTyping: true }).data, Papa.unparse([{ a: 1, b: 'q"r' }]), Papa.parse('a,b\n1', { header: true }).errors[0].code];
