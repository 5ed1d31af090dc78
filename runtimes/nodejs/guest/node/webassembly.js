// The global WebAssembly. A function's modules can't run here: the guest is one itself. The exception is llhttp, as the npm
// package undici brings it, for which the parser of thaw/undici stands in.
'use strict';

const undici = require('thaw/undici');

class CompileError extends Error { get name() { return 'CompileError'; } }
class LinkError extends Error { get name() { return 'LinkError'; } }
class RuntimeError extends Error { get name() { return 'RuntimeError'; } }
const refusal = (what) => new CompileError(`WebAssembly.${what}: modules of functions can't run in this runtime`);

class Module {
  constructor() { throw refusal('Module()'); }
}
class Instance {
  constructor() { throw refusal('Instance()'); }
}
const llhttp = Object.create(Module.prototype);
const isLlhttp = (bytes) => (bytes instanceof ArrayBuffer || ArrayBuffer.isView(bytes)) &&
  Buffer.from(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength).includes('llhttp_execute');

async function compile(bytes) {
  if (!isLlhttp(bytes)) throw refusal('compile()');
  return llhttp;
}

async function instantiate(source, imports) {
  if (source !== llhttp && !isLlhttp(source)) throw refusal('instantiate()');
  const instance = await undici.instantiate('llhttp', imports);
  return source === llhttp ? instance : { module: llhttp, instance };
}

module.exports = {
  CompileError, LinkError, RuntimeError, Module, Instance, compile, instantiate,
  validate: () => false,
  [Symbol.toStringTag]: 'WebAssembly',
};
