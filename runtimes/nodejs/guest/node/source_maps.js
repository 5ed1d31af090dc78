// Stack traces in terms of the sources that a package was made from: NODE_OPTIONS=--enable-source-maps, for maps inside of a file and
// beside it. A map is looked for when a trace first shows its file.
'use strict';

const path = require('path');
const { setInternalPrepareStackTrace, defaultPrepareStackTrace, kIsNodeError } = require('internal/errors');
const { files } = host;

const found = new Map(); // file -> {map, folder} or null
const MAX_MAP = 64 << 20; // characters

function mapOf(file) {
  if (typeof file !== 'string') return null;
  if (file.startsWith('file://')) file = file.slice(7);
  if (!file.startsWith('/var/task/') && !file.startsWith('/opt/') && !file.startsWith('/tmp/')) return null;
  let entry = found.get(file);
  if (entry === undefined) {
    try {
      entry = read(file);
    } catch {
      entry = null; // no map is better than no trace
    }
    found.set(file, entry);
  }
  return entry;
}

function read(file) {
  const text = files.readText(file, true);
  if (typeof text !== 'string') return null;
  let url;
  for (const m of text.slice(-MAX_MAP).matchAll(/\/[*/]#\s+sourceMappingURL=([^\s]+)/g)) url = m[1];
  if (url === undefined) return null;
  let json, folder = path.dirname(file);
  const data = /^data:application\/json(?:;charset=[^;,]*)?(;base64)?,/.exec(url);
  if (data !== null) {
    json = data[1] ? Buffer.from(url.slice(data[0].length), 'base64').toString() : decodeURIComponent(url.slice(data[0].length));
  } else {
    if (/^[a-z]+:/.test(url)) return null;
    const name = path.resolve(folder, decodeURIComponent(url));
    folder = path.dirname(name);
    json = files.readText(name, true);
  }
  if (typeof json !== 'string' || json.length > MAX_MAP) return null;
  const payload = JSON.parse(json.replace(/^\)\]\}'[^\n]*\n/, ''));
  const { SourceMap } = require('internal/source_map/source_map');
  const root = payload.sourceRoot ?? '';
  return { map: new SourceMap({ ...payload, sourceRoot: undefined }), absolute: (source) => (source.startsWith('file://') ? source.slice(7) : /^[a-z-]+:/.test(source) ? source : path.resolve(folder, root.replace(/^file:\/\//, ''), source)) };
}

function frame(site, caller) {
  const entry = mapOf(site.getFileName());
  if (entry === null) return `${site}`;
  const { originalLine, originalColumn, originalSource, name } = entry.map.findEntry(site.getLineNumber() - 1, site.getColumnNumber() - 1);
  if (originalSource === undefined || originalLine === undefined || originalColumn === undefined) return `${site}`;
  let calledAs = name;
  if (caller !== undefined && caller.getFileName() === site.getFileName()) calledAs = entry.map.findEntry(caller.getLineNumber() - 1, caller.getColumnNumber() - 1).name;
  const shown = site.getFunctionName() || calledAs || '<anonymous>';
  return `${shown} (${entry.absolute(originalSource)}:${originalLine + 1}:${originalColumn + 1})`;
}

function prepare(error, trace) {
  let head;
  try {
    head = kIsNodeError in error ? `${error.name} [${error.code}]: ${error.message}` : Error.prototype.toString.call(error);
  } catch {
    head = '<error>';
  }
  return trace.length === 0 ? head : `${head}\n    at ${trace.map((site, i) => { try { return frame(site, trace[i + 1]); } catch { return `${site}`; } }).join('\n    at ')}`;
}

function enable(on) { setInternalPrepareStackTrace(on ? prepare : defaultPrepareStackTrace); }

module.exports = { enable, findSourceMap: (file) => mapOf(file)?.map };
