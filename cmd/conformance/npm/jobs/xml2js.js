// xml2js
'use strict';
const xml2js = require('xml2js');
exports.handler = async () => {
  const o = await xml2js.parseStringPromise('<r a="1"><i>1</i><i b="2">x</i></r>');
  let error;
  try { await xml2js.parseStringPromise('<r><a></r>'); } catch (e) { error = e.message.split('\n')[0]; }
  return [o, new xml2js.Builder({ headless: true }).buildObject({ r: { $: { q: 'ä' }, v: ['1', '2'] } }), error];
};
