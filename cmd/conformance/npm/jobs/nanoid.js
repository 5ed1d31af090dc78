// nanoid uuid
'use strict';
const { nanoid, customAlphabet } = require('nanoid');
const uuid = require('uuid');
exports.handler = async () => {
  const ids = new Set(Array.from({ length: 200 }, () => nanoid())), v4 = uuid.v4();
  return [ids.size, [...ids].every((i) => /^[\w-]{21}$/.test(i)), /^[ab]{8}$/.test(customAlphabet('ab', 8)()), uuid.validate(v4), uuid.version(v4), uuid.v5('hello', uuid.v5.DNS), uuid.v3('hello', uuid.v3.URL), uuid.version(uuid.v7()), uuid.version(uuid.v1())];
};
