// ajv
'use strict';
const Ajv = require('ajv');
const validate = new Ajv({ allErrors: true }).compile({
  type: 'object', required: ['id', 'tags'], additionalProperties: false,
  properties: { id: { type: 'integer', minimum: 1 }, tags: { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' }, uniqueItems: true } },
});
exports.handler = async () => [{ id: 1, tags: ['a', 'b'] }, { id: 0, tags: ['a', 'a', 'B'], more: 1 }, {}].map((v) => [validate(v), (validate.errors || []).map((e) => `${e.instancePath} ${e.message}`)]);
