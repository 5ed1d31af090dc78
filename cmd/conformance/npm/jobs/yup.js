// yup
'use strict';
const yup = require('yup');
const s = yup.object({ n: yup.number().required().positive().integer(), d: yup.date().default(() => new Date(0)), w: yup.string().url().nullable() });
exports.handler = async () => {
  const r = await s.validate({ n: '24', w: null });
  let errors;
  try { await s.validate({ n: -1.5, w: 'x' }, { abortEarly: false }); } catch (e) { errors = e.errors.sort(); }
  return [r, errors];
};
