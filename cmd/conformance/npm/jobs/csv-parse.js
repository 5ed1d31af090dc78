// csv-parse csv-stringify
'use strict';
const { parse } = require('csv-parse');
const { parse: parseSync } = require('csv-parse/sync');
const { stringify } = require('csv-stringify/sync');
const { Readable } = require('stream');
exports.handler = async () => {
  const text = 'id,name\n1,"Smith, ""J"""\n2,Ünal\n';
  const rows = [];
  for await (const row of Readable.from([text.slice(0, 12), text.slice(12)]).pipe(parse({ columns: true, cast: true }))) rows.push(row);
  let error;
  try { parseSync('a,b\n1\n'); } catch (e) { error = e.code; }
  return { rows, text: stringify(rows, { header: true, delimiter: ';' }), error };
};
