// The event loop, driven by the host: Node's timers, immediates, ticks and promise jobs, run in Node's order until nothing is
// left to do now. Waiting is the host's business.
'use strict';

const tickInfo = new Uint8Array(2); // [ticks scheduled, rejections to warn about]: Node's TickInfo
const immediateInfo = new Uint32Array(3); // [count, referenced, outstanding]: Node's ImmediateInfo
const timeoutInfo = new Int32Array(1); // [referenced timers]

const { kept } = host; // what weak references point at, to the end of a job
const state = {
  cwd: '/var/task',
  uncaughtHandler: null, // function (error, fromPromise), set by lambda.js
};
let tickCallback, processImmediate, processTimers;
let nextTimer = Infinity; // ms on the loop's clock

// Monotonic also across snapshots: a timer that was due meanwhile is due at once.
const now = () => Math.floor(host.monotonic());

const timersBinding = {
  setupTimers(immediate, timers) { processImmediate = immediate; processTimers = timers; },
  getLibuvNow: now,
  scheduleTimer(ms) { nextTimer = Math.min(nextTimer, now() + Math.max(1, ms)); },
  toggleTimerRef() {}, toggleImmediateRef() {},
  immediateInfo, timerInfo: timeoutInfo, timeoutInfo,
};

function uncaught(error, fromPromise) {
  if (state.uncaughtHandler === null) throw error;
  state.uncaughtHandler(error, fromPromise === true);
}

// Runs promise jobs and what they and the last callback scheduled with process.nextTick.
function drain() {
  for (;;) {
    try {
      if (tickInfo[0] === 0 && tickInfo[1] === 0) host.runMicrotasks();
      if (tickInfo[0] !== 0 || tickInfo[1] !== 0) tickCallback();
      if (kept.length > 0) kept.length = 0;
      return;
    } catch (error) {
      uncaught(error, false);
    }
  }
}

// Calls a function as one callback of the loop.
function callback(fn) {
  try {
    fn();
  } catch (error) {
    uncaught(error, false);
  }
  drain();
}

function runTimers() {
  for (;;) {
    try {
      const next = processTimers(now());
      nextTimer = next === 0 ? Infinity : Math.abs(next);
      return;
    } catch (error) {
      uncaught(error, false); // the timers left in the list run in the next round
      drain();
    }
  }
}

function runImmediates() {
  do {
    try {
      processImmediate();
    } catch (error) {
      uncaught(error, false);
    }
    drain();
  } while (immediateInfo[2] !== 0); // one threw: the rest of the queue
}

// What the loop waits for besides time: descriptors, and callbacks that are due in the next round.
const watchers = new Map(); // descriptor -> {events, referenced, ready(events)}
let deferred = [];
let unasked = false; // what the descriptors can do
const io = {
  // events: 1 readable, 2 writable, 0 = no longer
  watch(fd, watcher, events) {
    watcher.events = events;
    if (events === 0) {
      if (watchers.get(fd) === watcher) watchers.delete(fd);
    } else {
      watchers.set(fd, watcher);
    }
  },
  defer(fn) { deferred.push(fn); },
  // The host has waited, or time has passed between two invocations.
  ask() { return unasked = watchers.size > 0; },
  // Pairs of descriptor and events, for the host.
  waits() {
    if (watchers.size === 0) return undefined;
    const pairs = new Int32Array(watchers.size * 2);
    let i = 0;
    for (const [fd, { events }] of watchers) {
      pairs[i++] = fd;
      pairs[i++] = events;
    }
    return pairs;
  },
};
function runDeferred() {
  const due = deferred;
  deferred = [];
  for (const fn of due) fn();
}
function runDescriptors() {
  unasked = false;
  const triples = new Int32Array(watchers.size * 3);
  const asked = [...watchers];
  asked.forEach(([fd, { events }], i) => { triples[3 * i] = fd; triples[3 * i + 1] = events; });
  if (host.net.poll(triples) <= 0) return;
  asked.forEach(([fd, watcher], i) => {
    if (triples[3 * i + 2] !== 0 && watchers.get(fd) === watcher) watcher.ready(triples[3 * i + 2]);
  });
}
function referenced() {
  for (const watcher of watchers.values()) if (watcher.referenced) return true;
  return false;
}

// One round. Returns whether anything ran.
function round() {
  let ran = false;
  if (nextTimer <= now()) {
    runTimers();
    drain();
    ran = true;
  }
  if (deferred.length > 0) {
    runDeferred();
    ran = true;
  }
  if (unasked) {
    runDescriptors();
    ran = true;
  }
  if (immediateInfo[0] > 0) {
    runImmediates();
    ran = true;
  }
  return ran;
}

const alive = () => timeoutInfo[0] > 0 || immediateInfo[1] > 0 || deferred.length > 0 || (watchers.size > 0 && referenced());
// What is due now, referenced or not.
const ready = () => immediateInfo[0] > 0 || nextTimer <= now() || deferred.length > 0 || unasked;
// When the loop wants to run again, ms on the monotonic clock; -1 = it doesn't.
const wakeAt = () => ((timeoutInfo[0] > 0 || watchers.size > 0) && nextTimer !== Infinity ? nextTimer : -1);

module.exports = {
  tickInfo, state, timersBinding, uncaught, drain, callback, round, alive, ready, wakeAt, now, io,
  activeTimers: () => timeoutInfo[0], activeImmediates: () => immediateInfo[1],
  setTickCallback(fn) { tickCallback = fn; },
};
