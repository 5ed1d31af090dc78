// The HTTP parser of undici, which expects llhttp as a WebAssembly module: an object that looks like that module's instance to it.
'use strict';

const { http } = host;
const REASON = 8, REASON_END = 256; // where an error's text lies in "memory"
const names = ['message_begin', 'url', 'status', 'header_field', 'header_value', 'headers_complete', 'body', 'message_complete'];
const HEADERS_COMPLETE = 5, CODE = 1, UPGRADE = 4, KEEP_ALIVE = 5, POSITION = 6;

function instantiate({ env }) {
  const callbacks = names.map((name) => env[`wasm_on_${name}`]);
  const parsers = new Map();
  let next = 1, executed = 0;
  const memory = { buffer: new ArrayBuffer(REASON_END) };
  return {
    exports: {
      memory,
      // One buffer is in use at a time.
      malloc(size) {
        if (memory.buffer.byteLength < REASON_END + size) memory.buffer = new ArrayBuffer(REASON_END + size);
        return REASON_END;
      },
      free() {},
      llhttp_alloc(type) {
        parsers.set(next, http.open(type, 0));
        return next++;
      },
      llhttp_free(pointer) { parsers.delete(pointer); },
      llhttp_execute(pointer, at, length) {
        const parser = parsers.get(pointer);
        executed = at;
        return http.execute(parser, new Uint8Array(memory.buffer, at, length), (event, offset, n) => {
          if (event === HEADERS_COMPLETE) return callbacks[event](pointer, http.get(parser, CODE), http.get(parser, UPGRADE), http.get(parser, KEEP_ALIVE));
          return callbacks[event](pointer, at + offset, n);
        });
      },
      llhttp_finish(pointer) { return http.execute(parsers.get(pointer), null, () => 0); },
      llhttp_resume(pointer) { http.control(parsers.get(pointer), 1); },
      llhttp_get_error_pos(pointer) { return executed + http.get(parsers.get(pointer), POSITION); },
      llhttp_get_error_reason(pointer) {
        const reason = http.reason(parsers.get(pointer));
        if (reason === undefined) return 0;
        const bytes = new Uint8Array(memory.buffer, 0, REASON_END).fill(0);
        for (let i = 0; i < reason.length && REASON + i < REASON_END - 1; i++) bytes[REASON + i] = reason.charCodeAt(i);
        return REASON;
      },
    },
  };
}

// As much of WebAssembly as the versions of undici use.
module.exports = {
  compile: async () => 'llhttp',
  instantiate: async (module, imports) => instantiate(imports),
  Module: class Module {},
  Instance: class Instance { constructor(module, imports) { Object.assign(this, instantiate(imports)); } },
};
