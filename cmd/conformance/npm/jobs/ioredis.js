// ioredis redis
'use strict';
const Redis = require('ioredis');
const { createClient } = require('redis');
exports.handler = async () => {
  const io = new Redis(Number(process.env.REDIS_PORT), '127.0.0.1', { lazyConnect: true, maxRetriesPerRequest: 1 });
  await io.connect();
  await io.set('k', 'wört');
  const piped = await io.pipeline().incr('n').incr('n').get('k').exec();
  io.disconnect();
  const c = createClient({ url: `redis://127.0.0.1:${process.env.REDIS_PORT}` });
  await c.connect();
  await c.hSet('h', { a: '1', b: '2' });
  const h = await c.hGetAll('h');
  await c.del(['k', 'n', 'h']);
  await c.quit();
  return [piped, h];
};
