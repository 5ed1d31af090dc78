// internalBinding('url'): the parser of the URL Standard (https://url.spec.whatwg.org), states named as there. A URL record is
// serialised once, together with the offsets that Node's URL class cuts its properties out of the text by.
'use strict';

const omitted = 0xFFFFFFFF;
const special = { __proto__: null, 'http': 80, 'https': 443, 'ws': 80, 'wss': 443, 'ftp': 21, 'file': null };
const schemeType = { __proto__: null, 'http': 0, 'https': 2, 'ws': 3, 'ftp': 4, 'wss': 5, 'file': 6 };
const urlComponents = new Uint32Array(9);

// ---- percent-encode sets: strings of the ASCII characters in them, beyond the C0 control set ----

const fragmentSet = ' "<>`';
const querySet = ' "#<>';
const specialQuerySet = querySet + "'";
const pathSet = querySet + '?^`{}';
const userinfoSet = pathSet + '/:;=@[\\]|';
const encoder = (text) => host.buffer.createFromString(text, 1);

function percentEncode(text, set) {
  let out = '';
  for (const c of text) {
    const code = c.codePointAt(0);
    if (code > 0x1F && code < 0x7F && !set.includes(c)) out += c;
    else for (const b of encoder(c)) out += `%${b < 16 ? '0' : ''}${b.toString(16).toUpperCase()}`;
  }
  return out;
}

function percentDecode(text) {
  if (!text.includes('%')) return text;
  const bytes = encoder(text), out = [];
  const hex = (b) => (b >= 48 && b <= 57 ? b - 48 : (b | 32) >= 97 && (b | 32) <= 102 ? (b | 32) - 87 : -1);
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 37 && i + 2 < bytes.length && hex(bytes[i + 1]) >= 0 && hex(bytes[i + 2]) >= 0) {
      out.push(hex(bytes[i + 1]) * 16 + hex(bytes[i + 2]));
      i += 2;
    } else out.push(bytes[i]);
  }
  return host.buffer.decodeBytes(new Uint8Array(out), 1);
}

// ---- hosts ----

function parseIPv4Number(text) {
  if (text === '') return NaN;
  if (/^0[xX]/.test(text)) return text.length === 2 ? 0 : /^0[xX][0-9a-fA-F]+$/.test(text) ? parseInt(text.slice(2), 16) : NaN;
  if (text.length > 1 && text[0] === '0') return /^[0-7]+$/.test(text) ? parseInt(text, 8) : NaN;
  return /^[0-9]+$/.test(text) ? parseInt(text, 10) : NaN;
}

function endsInNumber(text) {
  const parts = text.split('.');
  if (parts.at(-1) === '') {
    if (parts.length === 1) return false;
    parts.pop();
  }
  const last = parts.at(-1);
  return /^[0-9]+$/.test(last) || (/^0[xX]/.test(last) && !Number.isNaN(parseIPv4Number(last)));
}

function parseIPv4(text) {
  const parts = text.split('.');
  if (parts.at(-1) === '' && parts.length > 1) parts.pop();
  if (parts.length > 4) return null;
  const numbers = parts.map(parseIPv4Number);
  if (numbers.some(Number.isNaN)) return null;
  const last = numbers.pop();
  if (numbers.some((n) => n > 255) || last >= 256 ** (4 - numbers.length)) return null;
  let address = last;
  numbers.forEach((n, i) => { address += n * 256 ** (3 - i); });
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

function parseIPv6(text) {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const pieces = (half, last) => {
    if (half === '') return [];
    const out = [];
    const groups = half.split(':');
    for (let i = 0; i < groups.length; i++) {
      const g = groups[i];
      if (last && i === groups.length - 1 && g.includes('.')) {
        const octets = g.split('.');
        if (octets.length !== 4 || octets.some((o) => !/^(?:0|[1-9][0-9]{0,2})$/.test(o) || Number(o) > 255)) return null;
        out.push(Number(octets[0]) * 256 + Number(octets[1]), Number(octets[2]) * 256 + Number(octets[3]));
      } else if (/^[0-9a-fA-F]{1,4}$/.test(g)) out.push(parseInt(g, 16));
      else return null;
    }
    return out;
  };
  const left = pieces(halves[0], halves.length === 1), right = halves.length === 2 ? pieces(halves[1], true) : [];
  if (left === null || right === null) return null;
  const n = left.length + right.length;
  if (halves.length === 1 ? n !== 8 : n > 7) return null;
  const address = [...left, ...new Array(8 - n).fill(0), ...right];
  let best = -1, bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && address[j] === 0) j++;
    if (j - i > bestLength) { best = i; bestLength = j - i; }
    if (j > i) i = j;
  }
  let out = '';
  for (let i = 0; i < 8; i++) {
    if (i === best) { out += i === 0 ? '::' : ':'; i += bestLength - 1; continue; }
    out += address[i].toString(16) + (i < 7 ? ':' : '');
  }
  return `[${out}]`;
}

const forbiddenHost = /[\0\t\n\r #/:<>?@[\\\]^|]/;
const forbiddenDomain = /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7F]/;

// Unicode's compatibility mapping is approximated by NFKC and lower case; the full IDNA tables are not here.
function domainToASCII(domain) {
  if (/^[\x00-\x7F]*$/.test(domain)) {
    domain = domain.toLowerCase();
    if (!domain.includes('xn--')) return domain;
  }
  domain = domain.replace(/[\u00AD\u200B\u2060\uFEFF\u200C\u200D]/g, '').normalize('NFKC').toLowerCase().normalize('NFC').replace(/[\u3002\uFF0E\uFF61]/g, '.');
  const { toASCII, toUnicode } = require('punycode');
  try {
    toUnicode(domain);
    return toASCII(domain);
  } catch {
    return null;
  }
}

function parseHost(text, isSpecial) {
  if (text.startsWith('[')) return text.endsWith(']') ? parseIPv6(text.slice(1, -1)) : null;
  if (!isSpecial) return forbiddenHost.test(text) ? null : percentEncode(text, '');
  const ascii = domainToASCII(percentDecode(text));
  if (ascii === null || ascii === '' || forbiddenDomain.test(ascii)) return null;
  return endsInNumber(ascii) ? parseIPv4(ascii) : ascii;
}

// ---- the state machine ----

const windowsDrive = /^[a-zA-Z][:|]$/;
const startsWithDrive = (text) => /^[a-zA-Z][:|](?:[/\\?#]|$)/.test(text);
const singleDot = (s) => s === '.' || s.toLowerCase() === '%2e';
const doubleDot = (s) => s === '..' || /^(?:\.%2e|%2e\.|%2e%2e)$/i.test(s);
const isSpecial = (url) => url.scheme in special;

function shorten(url) {
  if (url.scheme === 'file' && url.path.length === 1 && /^[a-zA-Z]:$/.test(url.path[0])) return;
  url.path.pop();
}

const blank = () => ({ scheme: '', username: '', password: '', host: null, port: null, path: [], opaque: false, query: null, fragment: null });
const clone = (url) => ({ ...url, path: url.opaque ? url.path : url.path.slice() });

// Parses input. Without override: returns a record or null. With override (a setter): changes url, returns false if the setter
// leaves it as it was.
function run(input, base, url, override) {
  if (override === undefined) {
    input = input.replace(/^[\0-\x20]+/, '').replace(/[\0-\x20]+$/, '');
    url = blank();
  }
  input = input.replace(/[\t\n\r]/g, '').toWellFormed();
  const chars = Array.from(input);
  const rest = (i) => chars.slice(i).join('');
  const failed = override === undefined ? null : false;
  let state = override ?? 'scheme start', buffer = '', at = false, bracket = false, passwordSeen = false;

  for (let i = 0; ; i++) {
    const c = chars[i]; // undefined = end of input
    switch (state) {
      case 'scheme start':
        if (c !== undefined && /[a-zA-Z]/.test(c)) { buffer += c.toLowerCase(); state = 'scheme'; }
        else if (override === undefined) { state = 'no scheme'; i--; }
        else return false;
        break;
      case 'scheme':
        if (c !== undefined && /[a-zA-Z0-9+\-.]/.test(c)) { buffer += c.toLowerCase(); break; }
        if (c === ':') {
          if (override !== undefined) {
            if ((url.scheme in special) !== (buffer in special)) return false;
            if (buffer === 'file' && (url.username !== '' || url.password !== '' || url.port !== null)) return false;
            if (url.scheme === 'file' && (url.host === null || url.host === '')) return false;
            url.scheme = buffer;
            if (url.port === special[url.scheme]) url.port = null;
            return true;
          }
          url.scheme = buffer;
          buffer = '';
          if (url.scheme === 'file') state = 'file';
          else if (isSpecial(url) && base !== null && base.scheme === url.scheme) state = 'special relative or authority';
          else if (isSpecial(url)) state = 'special authority slashes';
          else if (chars[i + 1] === '/') { state = 'path or authority'; i++; }
          else { url.path = ''; url.opaque = true; state = 'opaque path'; }
        } else if (override === undefined) { buffer = ''; state = 'no scheme'; i = -1; }
        else return false;
        break;
      case 'no scheme':
        if (base === null || (base.opaque && c !== '#')) return failed;
        if (base.opaque) {
          Object.assign(url, clone(base), { fragment: '' });
          state = 'fragment';
        } else { state = base.scheme === 'file' ? 'file' : 'relative'; i--; }
        break;
      case 'special relative or authority':
        if (c === '/' && chars[i + 1] === '/') { state = 'special authority ignore slashes'; i++; }
        else { state = 'relative'; i--; }
        break;
      case 'path or authority':
        if (c === '/') state = 'authority';
        else { state = 'path'; i--; }
        break;
      case 'relative':
        url.scheme = base.scheme;
        if (c === '/') state = 'relative slash';
        else if (isSpecial(url) && c === '\\') state = 'relative slash';
        else {
          Object.assign(url, clone(base), { fragment: null });
          if (c === '?') { url.query = ''; state = 'query'; }
          else if (c === '#') { url.fragment = ''; state = 'fragment'; }
          else if (c !== undefined) { url.query = null; shorten(url); state = 'path'; i--; }
        }
        break;
      case 'relative slash':
        if (isSpecial(url) && (c === '/' || c === '\\')) state = 'special authority ignore slashes';
        else if (c === '/') state = 'authority';
        else {
          url.username = base.username; url.password = base.password; url.host = base.host; url.port = base.port;
          state = 'path';
          i--;
        }
        break;
      case 'special authority slashes':
        state = 'special authority ignore slashes';
        if (c === '/' && chars[i + 1] === '/') i++;
        else i--;
        break;
      case 'special authority ignore slashes':
        if (c !== '/' && c !== '\\') { state = 'authority'; i--; }
        break;
      case 'authority':
        if (c === '@') {
          if (at) buffer = `%40${buffer}`;
          at = true;
          for (const ch of buffer) {
            if (ch === ':' && !passwordSeen) { passwordSeen = true; continue; }
            if (passwordSeen) url.password += percentEncode(ch, userinfoSet);
            else url.username += percentEncode(ch, userinfoSet);
          }
          buffer = '';
        } else if (c === undefined || c === '/' || c === '?' || c === '#' || (isSpecial(url) && c === '\\')) {
          if (at && buffer === '') return failed;
          i -= Array.from(buffer).length + 1;
          buffer = '';
          state = 'host';
        } else buffer += c;
        break;
      case 'host': case 'hostname':
        if (override !== undefined && url.scheme === 'file') { i--; state = 'file host'; }
        else if (c === ':' && !bracket) {
          if (buffer === '') return failed;
          if (override === 'hostname') return false;
          const parsed = parseHost(buffer, isSpecial(url));
          if (parsed === null) return failed;
          url.host = parsed;
          buffer = '';
          state = 'port';
        } else if (c === undefined || c === '/' || c === '?' || c === '#' || (isSpecial(url) && c === '\\')) {
          i--;
          if (isSpecial(url) && buffer === '') return failed;
          if (override !== undefined && buffer === '' && (url.username !== '' || url.password !== '' || url.port !== null)) return false;
          const parsed = buffer === '' ? '' : parseHost(buffer, isSpecial(url));
          if (parsed === null) return failed;
          url.host = parsed;
          buffer = '';
          state = 'path start';
          if (override !== undefined) return true;
        } else {
          if (c === '[') bracket = true;
          if (c === ']') bracket = false;
          buffer += c;
        }
        break;
      case 'port':
        if (c !== undefined && /[0-9]/.test(c)) buffer += c;
        else if (c === undefined || c === '/' || c === '?' || c === '#' || (isSpecial(url) && c === '\\') || override !== undefined) {
          if (buffer !== '') {
            const port = parseInt(buffer, 10);
            if (port > 65535) return failed;
            url.port = port === special[url.scheme] ? null : port;
            buffer = '';
            if (override !== undefined) return true;
          }
          if (override !== undefined) return override !== 'port';
          state = 'path start';
          i--;
        } else return failed;
        break;
      case 'file':
        url.scheme = 'file';
        url.host = '';
        if (c === '/' || c === '\\') state = 'file slash';
        else if (base !== null && base.scheme === 'file') {
          Object.assign(url, clone(base), { fragment: null });
          if (c === '?') { url.query = ''; state = 'query'; }
          else if (c === '#') { url.fragment = ''; state = 'fragment'; }
          else if (c !== undefined) {
            url.query = null;
            if (startsWithDrive(rest(i))) url.path = [];
            else shorten(url);
            state = 'path';
            i--;
          }
        } else { state = 'path'; i--; }
        break;
      case 'file slash':
        if (c === '/' || c === '\\') state = 'file host';
        else {
          if (base !== null && base.scheme === 'file') {
            url.host = base.host;
            if (!startsWithDrive(rest(i)) && base.path.length > 0 && /^[a-zA-Z]:$/.test(base.path[0])) url.path.push(base.path[0]);
          }
          state = 'path';
          i--;
        }
        break;
      case 'file host':
        if (c === undefined || c === '/' || c === '\\' || c === '?' || c === '#') {
          i--;
          if (override === undefined && windowsDrive.test(buffer)) state = 'path';
          else if (buffer === '') {
            url.host = '';
            if (override !== undefined) return true;
            state = 'path start';
          } else {
            let parsed = parseHost(buffer, isSpecial(url));
            if (parsed === null) return failed;
            if (parsed === 'localhost') parsed = '';
            url.host = parsed;
            if (override !== undefined) return true;
            buffer = '';
            state = 'path start';
          }
        } else buffer += c;
        break;
      case 'path start':
        if (isSpecial(url)) {
          state = 'path';
          if (c !== '/' && c !== '\\') i--;
        } else if (override === undefined && c === '?') { url.query = ''; state = 'query'; }
        else if (override === undefined && c === '#') { url.fragment = ''; state = 'fragment'; }
        else if (c !== undefined) {
          state = 'path';
          if (c !== '/') i--;
        } else if (override !== undefined && url.host === null) url.path.push('');
        break;
      case 'path': {
        const slash = c === '/' || (isSpecial(url) && c === '\\');
        if (c === undefined || slash || (override === undefined && (c === '?' || c === '#'))) {
          if (doubleDot(buffer)) {
            shorten(url);
            if (!slash) url.path.push('');
          } else if (singleDot(buffer)) {
            if (!slash) url.path.push('');
          } else {
            if (url.scheme === 'file' && url.path.length === 0 && windowsDrive.test(buffer)) buffer = `${buffer[0]}:`;
            url.path.push(buffer);
          }
          buffer = '';
          if (c === '?') { url.query = ''; state = 'query'; }
          if (c === '#') { url.fragment = ''; state = 'fragment'; }
        } else buffer += percentEncode(c, pathSet);
        break;
      }
      case 'opaque path':
        if (c === '?') { url.query = ''; state = 'query'; }
        else if (c === '#') { url.fragment = ''; state = 'fragment'; }
        else if (c !== undefined) url.path += percentEncode(c, '');
        break;
      case 'query':
        if ((override === undefined && c === '#') || c === undefined) {
          url.query += percentEncode(buffer, isSpecial(url) ? specialQuerySet : querySet);
          buffer = '';
          if (c === '#') { url.fragment = ''; state = 'fragment'; }
        } else buffer += c;
        break;
      case 'fragment':
        if (c !== undefined) url.fragment += percentEncode(c, fragmentSet);
        break;
    }
    if (c === undefined && i >= chars.length) break;
  }
  return override === undefined ? url : true;
}

// ---- serialisation ----

function serialise(url) {
  let out = `${url.scheme}:`;
  urlComponents[0] = out.length;
  if (url.host !== null) {
    out += '//';
    urlComponents[1] = out.length;
    if (url.username !== '' || url.password !== '') {
      out += url.username;
      urlComponents[1] = out.length;
      if (url.password !== '') out += `:${url.password}`;
      urlComponents[2] = out.length;
      out += '@';
    } else urlComponents[2] = out.length;
    out += url.host;
    urlComponents[3] = out.length;
    if (url.port !== null) out += `:${url.port}`;
  } else {
    urlComponents[1] = urlComponents[2] = urlComponents[3] = out.length;
    if (!url.opaque && url.path.length > 1 && url.path[0] === '') out += '/.';
  }
  urlComponents[4] = url.port === null ? omitted : url.port;
  urlComponents[5] = out.length;
  out += url.opaque ? url.path : url.path.map((p) => `/${p}`).join('');
  urlComponents[6] = url.query === null ? omitted : out.length;
  if (url.query !== null) out += `?${url.query}`;
  urlComponents[7] = url.fragment === null ? omitted : out.length;
  if (url.fragment !== null) out += `#${url.fragment}`;
  urlComponents[8] = schemeType[url.scheme] ?? 1;
  return out;
}

function parseRecord(input, base) {
  let baseRecord = null;
  if (base !== undefined) {
    baseRecord = run(base, null);
    if (baseRecord === null) return null;
  }
  return run(input, baseRecord);
}

function parse(input, base, raise) {
  const url = parseRecord(input, base);
  if (url !== null) return serialise(url);
  if (raise) {
    const { ERR_INVALID_URL } = require('internal/errors').codes;
    throw new ERR_INVALID_URL(input, base);
  }
  return undefined;
}

const withoutCredentials = (url) => url.host === null || url.host === '' || url.scheme === 'file';

const setters = [
  (url, v) => run(`${v}:`, null, url, 'scheme start'),
  (url, v) => !url.opaque && run(v, null, url, 'host'),
  (url, v) => !url.opaque && run(v, null, url, 'hostname'),
  (url, v) => {
    if (withoutCredentials(url)) return false;
    if (v !== '') return run(v, null, url, 'port');
    url.port = null;
    return true;
  },
  (url, v) => !withoutCredentials(url) && (url.username = percentEncode(v, userinfoSet), true),
  (url, v) => !withoutCredentials(url) && (url.password = percentEncode(v, userinfoSet), true),
  (url, v) => !url.opaque && (url.path = [], run(v, null, url, 'path start')),
  (url, v) => {
    if (v === '') { url.query = null; return true; }
    url.query = '';
    return run(v.startsWith('?') ? v.slice(1) : v, null, url, 'query');
  },
  (url, v) => {
    if (v === '') { url.fragment = null; return true; }
    url.fragment = '';
    return run(v.startsWith('#') ? v.slice(1) : v, null, url, 'fragment');
  },
];

function update(href, action, value) {
  if (action === 9) return parse(value, undefined, false) ?? false;
  const url = run(href, null), before = clone(url);
  const changed = setters[action](url, `${value}`.toWellFormed());
  return serialise(changed === false ? before : url);
}

module.exports = {
  urlComponents, parse, update,
  canParse: (input, base) => parseRecord(input, base) !== null,
  domainToASCII: (domain) => parseHost(domain, true) ?? '',
  domainToUnicode(domain) {
    const ascii = parseHost(domain, true);
    return ascii === null ? '' : require('punycode').toUnicode(ascii);
  },
  format(href, fragment, unicode, search, auth) {
    const url = run(href, null);
    if (!fragment) url.fragment = null;
    if (unicode && url.host) url.host = require('punycode').toUnicode(url.host);
    if (!search) url.query = null;
    if (!auth) url.username = url.password = '';
    return serialise(url);
  },
};
