// mysql2 pg
'use strict';
const mysql = require('mysql2');
const { Pool, types } = require('pg');
const code = async (p) => { try { await p; return 'none'; } catch (e) { return e.code; } };
exports.handler = async () => {
  const pg = await code(new Pool({ host: '127.0.0.1', port: 1, connectionTimeoutMillis: 500 }).query('select 1'));
  const my = await code(mysql.createConnection({ host: '127.0.0.1', port: 1 }).promise().query('select 1'));
  return [mysql.format('select ?? from t where a = ? and b in (?)', ['c', "x'y", [1, 'z']]), types.getTypeParser(23)('42'), pg, my];
};
