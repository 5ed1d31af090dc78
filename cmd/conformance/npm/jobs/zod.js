// zod
'use strict';
const { z } = require('zod');
const S = z.object({ id: z.coerce.number().int(), tags: z.array(z.string()).min(1), kind: z.discriminatedUnion('t', [z.object({ t: z.literal('a'), x: z.number() }), z.object({ t: z.literal('b') })]) }).strict();
exports.handler = async () => [{ id: '5', tags: ['x'], kind: { t: 'a', x: 1 } }, { id: 'q', tags: [], kind: { t: 'c' }, z: 1 }].map((v) => { const r = S.safeParse(v); return r.success ? r.data : r.error.issues.map((i) => [i.path.join('.'), i.code, i.message]); });
