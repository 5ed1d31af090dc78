'use strict';
// Runs one of Node's own tests: process.env.THAW_TEST. Invoked with phase "run" it loads the test and answers when nothing
// is left to do; with phase "exit" it exits as a process would, which is when the suite's common.mustCall looks back.
const { pathToFileURL } = require('url');
const file = process.env.THAW_TEST;
const emit = process.emit.bind(process); // tests tamper with the global
const { stdout, nextTick } = process;
let exited = false;

function exit(code) {
  if (exited) return;
  exited = true;
  if (code !== undefined) process.exitCode = code;
  process._exiting = true;
  if (process.exitCode === undefined) process.exitCode = 0;
  emit('exit', process.exitCode);
  stdout.write(`\nTHAW-EXIT ${process.exitCode}\n`);
}

process.exit = (code) => {
  exit(code);
  const stop = new Error('process.exit');
  stop.stop = true;
  throw stop;
};
process.reallyExit = process.exit;
process.argv[1] = file;
process.argv.length = 2;

exports.handler = function(event, context, callback) {
  if (event.phase === 'exit') {
    try {
      exit();
    } catch (e) {
      if (!e || !e.stop) return callback(e);
    }
    return callback(null, process.exitCode);
  }
  // No answer: the runtime gives one when the event loop is empty.
  try {
    if (file.endsWith('.mjs')) import(pathToFileURL(file).href).catch(uncaught);
    else require(file);
  } catch (e) {
    uncaught(e);
  }
};

function uncaught(e) {
  if (e === null || typeof e !== 'object' || !e.stop) nextTick(() => { throw e; });
}
