// dotenv
'use strict';
const dotenv = require('dotenv');
const fs = require('fs');
exports.handler = async () => {
  fs.writeFileSync('/tmp/.env-job', "A=1\nB='two words'\n# comment\nexport C=\"x\\ny\"\n");
  const r = dotenv.config({ path: '/tmp/.env-job' });
  return [r.parsed, process.env.B];
};
