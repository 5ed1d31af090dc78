// form-data
'use strict';
const FormData = require('form-data');
exports.handler = async () => {
  const f = new FormData();
  f.setBoundary('xxBOUNDxx');
  f.append('a', '1');
  f.append('file', Buffer.from('hello'), { filename: 'h.txt', contentType: 'text/plain' });
  return [f.getBuffer().toString(), f.getHeaders(), f.getLengthSync()];
};
