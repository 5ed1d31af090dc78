// Does several slow things at once, with a time limit for each: promises, timers and events.
const { EventEmitter, once } = require("events");
const { promisify } = require("util");

const sleep = promisify(setTimeout);

async function task({ name, ms }) {
  const worker = new EventEmitter();
  setTimeout(() => worker.emit("done", name.toUpperCase()), ms);
  const [result] = await once(worker, "done");
  return result;
}

exports.handler = async (event) => {
  const started = Date.now();
  const limit = (t) => Promise.race([task(t), sleep(event.limit).then(() => Promise.reject(new Error(`${t.name} took too long`)))]);
  const results = await Promise.allSettled(event.tasks.map(limit));
  const sum = event.tasks.reduce((total, t) => total + t.ms, 0);
  return {
    results: results.map((r) => r.value ?? r.reason.message),
    atOnce: Date.now() - started < sum,
  };
};
