// internalBinding('contextify'): scripts and contexts. A context is a realm of the engine whose global object looks up in the
// sandbox object what it doesn't have itself; variables of its scripts are copied to the sandbox when a run ends.
'use strict';

const { realms } = host;

module.exports = function makeContextify({ privateSymbols, symbols }) {
  const kContext = privateSymbols.contextify_context_private_symbol;

  function makeContext(sandbox) {
    if (typeof sandbox === 'symbol') sandbox = {}; // vm.constants.DONT_CONTEXTIFY
    const realm = realms.make(), global = realms.global(realm);
    const context = { realm, global, builtin: new Set(Reflect.ownKeys(global)) };
    const parent = Object.getPrototypeOf(global);
    Object.setPrototypeOf(global, new Proxy(parent, {
      get: (target, key) => (key in sandbox ? sandbox[key] : target[key]),
      has: (target, key) => key in sandbox || key in target,
      set(target, key, value) { sandbox[key] = value; return true; },
      getPrototypeOf: () => parent,
    }));
    Object.defineProperty(sandbox, kContext, { value: context, enumerable: false, configurable: false, writable: false });
    return sandbox;
  }

  // Before a run the sandbox's values win over the realm's own; after it the realm's new variables show in the sandbox.
  function enter({ global }, sandbox) {
    for (const key of Reflect.ownKeys(sandbox)) {
      if (key === kContext || !Object.hasOwn(global, key)) continue;
      const d = Object.getOwnPropertyDescriptor(global, key);
      if (d.writable || d.set) global[key] = sandbox[key];
    }
  }
  function leave({ global, builtin }, sandbox) {
    for (const key of Reflect.ownKeys(global)) {
      if (builtin.has(key) && !Object.hasOwn(sandbox, key)) continue;
      const d = Object.getOwnPropertyDescriptor(global, key);
      if (d !== undefined && 'value' in d && (!Object.hasOwn(sandbox, key) || sandbox[key] !== d.value)) sandbox[key] = d.value;
    }
  }

  const timedOut = (ms) => {
    const error = new Error(`Script execution timed out after ${ms}ms`);
    error.code = 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    return error;
  };

  class ContextifyScript {
    #code; #filename; #line;
    constructor(code, filename, lineOffset) {
      this.#code = code;
      this.#filename = filename;
      this.#line = lineOffset + 1;
      realms.check(code, filename, this.#line);
      const map = /\/\/[#@] sourceMappingURL=(\S+)\s*$/.exec(code);
      this.sourceMapURL = map === null ? undefined : map[1];
    }
    runInContext(sandbox, timeout) {
      const limit = timeout > 0 ? timeout : 0;
      if (sandbox === null) return this.#run(undefined, limit);
      const context = sandbox[kContext];
      enter(context, sandbox);
      try {
        return this.#run(context.realm, limit);
      } finally {
        leave(context, sandbox);
      }
    }
    #run(realm, limit) {
      const result = realms.run(realm, this.#code, this.#filename, this.#line, limit);
      if (result === realms.timedOut) throw timedOut(limit);
      return result;
    }
    createCachedData() { return Buffer.alloc(0); }
  }

  function compileFunction(code, filename, lineOffset, columnOffset, cachedData, produce, parsingContext, extensions, params = []) {
    const source = `(function (${params.join(',')}) {\n${code}\n})`;
    realms.check(source, filename, lineOffset);
    const realm = parsingContext?.[kContext]?.realm;
    return { function: realms.run(realm, source, filename, lineOffset, 0), sourceMapURL: undefined };
  }

  return {
    ContextifyScript, makeContext, compileFunction, containsModuleSyntax: () => false, startSigintWatchdog() {}, stopSigintWatchdog() {},
    watchdogHasPendingSigint: () => false, constants: { measureMemory: { mode: { SUMMARY: 0, DETAILED: 1 }, execution: { DEFAULT: 0, EAGER: 1 } } },
    measureMemory() {},
  };
};
