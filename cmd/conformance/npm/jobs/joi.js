// joi
'use strict';
const Joi = require('joi');
const schema = Joi.object({ name: Joi.string().min(3).required(), email: Joi.string().email({ tlds: false }), born: Joi.date().iso(), n: Joi.number().integer().default(5) }).with('email', 'born');
exports.handler = async () => [{ name: 'Ann', email: 'a@b.co', born: '2000-01-01' }, { name: 'x', email: 'nope' }, { name: 'abc', other: 1 }].map((v) => { const r = schema.validate(v, { abortEarly: false }); return [r.value, r.error && r.error.details.map((d) => d.message)]; });
