// bcryptjs
'use strict';
const bcrypt = require('bcryptjs');
exports.handler = async () => {
  const own = bcrypt.hashSync('secret', 4);
  return [bcrypt.hashSync('a', '$2a$04$abcdefghijklmnopqrstuu'), await bcrypt.compare('secret', own), await bcrypt.compare('other', own)];
};
