'use strict';
// Runs one test of test262: the event has its source, the harness files that it includes, and whether it reports by $DONE.
const fs = require('fs');
const evaluate = (0, eval);
const harness = Object.create(null);
for (const name of fs.readdirSync('/var/task/harness')) harness[name] = fs.readFileSync(`/var/task/harness/${name}`, 'utf8');

exports.handler = function(event, context, callback) {
  let printed = '';
  globalThis.print = (s) => {
    printed += `${s}\n`;
    if (event.async) answer(/^Test262:AsyncTestComplete/m.test(printed) ? '' : printed, '');
  };
  globalThis.$262 = {
    global: globalThis,
    evalScript: (s) => script(s),
    gc() { throw new Error('no collector to call'); },
    detachArrayBuffer(b) { b.transfer(); },
    createRealm() { throw new Error('one realm'); },
    agent: {},
  };
  let answered = false;
  function answer(error, type) {
    if (answered) return;
    answered = true;
    callback(null, { error: String(error), type });
  }
  const describe = (e) => {
    try { return [`${e && e.name}: ${e && e.message}`, e && e.constructor && e.constructor.name || typeof e]; } catch { return ['an error that has no text', '']; }
  };
  try {
    for (const name of event.includes) script(harness[name]);
    script(event.source, event.name);
  } catch (e) {
    answer(...describe(e));
    return;
  }
  if (!event.async) answer('', '');
};

// script evaluates a script in the global scope, whose let and const outlive it, as far as the guest has a way to.
const vm = (() => { try { return require('vm'); } catch { return {}; } })();
function script(source, name) {
  if (typeof vm.runInThisContext === 'function') return vm.runInThisContext(source, { filename: name || 'script' });
  return evaluate(source);
}
