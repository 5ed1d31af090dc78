// jsonwebtoken
'use strict';
const jwt = require('jsonwebtoken');
const crypto = require('crypto');
exports.handler = async () => {
  const hs = jwt.sign({ sub: 'u', iat: 1700000000 }, 'secret', { algorithm: 'HS256' });
  const { privateKey, publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rs = jwt.verify(jwt.sign({ a: 1 }, privateKey, { algorithm: 'RS256', expiresIn: '1h' }), publicKey);
  let error;
  try { jwt.verify(hs, 'other'); } catch (e) { error = [e.name, e.message]; }
  return [hs, jwt.verify(hs, 'secret'), rs.a, error];
};
