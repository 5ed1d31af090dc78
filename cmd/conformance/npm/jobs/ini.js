// ini
'use strict';
const ini = require('ini');
exports.handler = async () => { const o = ini.parse('a=1\n[s.t]\nb[]=x\nb[]=y\nc=true ; no'); return [o, ini.stringify(o)]; };
