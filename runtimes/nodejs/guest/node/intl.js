// Intl and toLocaleString for en-US, which every other locale falls back to: the engine has none. Formats are CLDR's, as Node 20
// shows them. Time zones are the host's. Missing: other locales, calendars and numbering systems, Segmenter, DisplayNames, Locale.
'use strict';

const { op, call } = require('thaw/service');

const LOCALE = 'en-US';
const englishOnly = (tag) => /^en(-|$)/i.test(tag);

function canonical(tag) {
  if (typeof tag !== 'string' && (typeof tag !== 'object' || tag === null)) throw new TypeError('Incorrect locale information provided');
  const text = `${tag}`;
  if (!/^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$/.test(text) || text.includes('_')) throw new RangeError(`Incorrect locale information provided`);
  return text.split('-').map((part, i) => (i === 0 ? part.toLowerCase() : part.length === 4 && /^[A-Za-z]+$/.test(part) ? part[0].toUpperCase() + part.slice(1).toLowerCase() :
    part.length === 2 ? part.toUpperCase() : part.toLowerCase())).join('-');
}
function localesOf(locales) {
  if (locales === undefined) return [];
  if (typeof locales === 'string') return [canonical(locales)];
  if (locales === null) throw new TypeError('Cannot convert undefined or null to object');
  return [...new Set(Array.from(locales, canonical))];
}
// The locale that serves a request: English ones as they are asked for, en-US for the rest.
function resolve(locales) {
  const list = localesOf(locales);
  return list.find((l) => l === 'en' || l === LOCALE) ?? LOCALE;
}
function pick(options, name, allowed, fallback) {
  let value = options[name];
  if (value === undefined) return fallback;
  value = typeof value === 'boolean' && allowed.includes(value) ? value : `${value}`;
  if (!allowed.includes(value)) throw new RangeError(`Value ${value} out of range for Intl options property ${name}`);
  return value;
}
function integer(options, name, low, high, fallback) {
  const value = options[name];
  if (value === undefined) return fallback;
  const n = Math.floor(Number(value));
  if (!(n >= low && n <= high)) throw new RangeError(`${name} value is out of range.`);
  return n;
}
const supportedLocalesOf = (locales) => localesOf(locales).filter(englishOnly);

// ---- numbers ----

// Digits before and after the point of |x|, in its shortest decimal form.
function decimal(x) {
  if (typeof x === 'bigint') return [`${x < 0n ? -x : x}`, ''];
  const [, whole, fraction = '', exponent = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(`${Math.abs(x)}`);
  const e = Number(exponent);
  if (e >= 0) {
    const padded = fraction.padEnd(e, '0');
    return [(whole + padded.slice(0, e)).replace(/^0+(?=\d)/, ''), padded.slice(e)];
  }
  const padded = whole.padStart(-e + 1, '0');
  return [padded.slice(0, e), padded.slice(e) + fraction];
}

// Rounds half away from zero to n digits after the point; n may be negative.
function roundAt(whole, fraction, n) {
  const digits = whole + fraction, at = whole.length + n;
  if (at >= digits.length) return [whole, fraction];
  if (at < 0) return ['0', ''];
  let kept = digits.slice(0, at);
  if (digits[at] >= '5') {
    const up = (BigInt(`1${kept}`) + 1n).toString();
    kept = up[0] === '2' ? `1${up.slice(1)}` : up.slice(1);
  }
  const extra = kept.length - at;
  if (n < 0) return [(kept + '0'.repeat(-n)).replace(/^0+(?=\d)/, '') || '0', ''];
  return [kept.slice(0, whole.length + extra) || '0', kept.slice(whole.length + extra)];
}

function significant(whole, fraction, min, max) {
  const lead = /[1-9]/.exec(whole + fraction);
  if (lead === null) return ['0', ''.padEnd(Math.max(0, min - 1), '0')];
  const first = whole.length - lead.index; // digits before the point, or less than 1
  let [w, f] = roundAt(whole, fraction, max - first);
  f = f.replace(/0+$/, '');
  const used = w === '0' ? f.replace(/^0+/, '').length : w.length + f.length;
  if (used < min) f = f.padEnd(f.length + min - used, '0');
  return [w, f];
}

const symbols = {
  USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹', CNY: 'CN¥', KRW: '₩', BRL: 'R$', CAD: 'CA$', AUD: 'A$', MXN: 'MX$', NZD: 'NZ$', ILS: '₪', VND: '₫', TWD: 'NT$',
  PHP: '₱', HKD: 'HK$', XAF: 'FCFA', XOF: 'F CFA', XCD: 'EC$', XPF: 'CFPF',
};
const narrow = { CNY: '¥', CAD: '$', AUD: '$', MXN: '$', NZD: '$', TWD: '$', HKD: '$', RUB: '₽', UAH: '₴', TRY: '₺', PLN: 'zł', SEK: 'kr', NOK: 'kr', DKK: 'kr', CZK: 'Kč', SGD: '$', ARS: '$', CLP: '$', COP: '$', NGN: '₦' };
const currencyNames = {
  USD: ['US dollar', 'US dollars'], EUR: ['euro', 'euros'], GBP: ['British pound', 'British pounds'], JPY: ['Japanese yen', 'Japanese yen'], INR: ['Indian rupee', 'Indian rupees'],
  CAD: ['Canadian dollar', 'Canadian dollars'], AUD: ['Australian dollar', 'Australian dollars'], CNY: ['Chinese yuan', 'Chinese yuan'], CHF: ['Swiss franc', 'Swiss francs'],
  MXN: ['Mexican peso', 'Mexican pesos'], BRL: ['Brazilian real', 'Brazilian reals'], SEK: ['Swedish krona', 'Swedish kronor'], KRW: ['South Korean won', 'South Korean won'],
};
const currencyDigits = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3,
};
const units = { // short, long singular; the plural adds s unless given
  'acre': ['ac', 'acre'], 'bit': ['bit', 'bit'], 'byte': ['byte', 'byte'], 'celsius': ['°C', 'degree Celsius', 'degrees Celsius'], 'centimeter': ['cm', 'centimeter'], 'day': ['day', 'day'],
  'degree': ['deg', 'degree'], 'fahrenheit': ['°F', 'degree Fahrenheit', 'degrees Fahrenheit'], 'foot': ['ft', 'foot', 'feet'], 'gallon': ['gal', 'gallon'], 'gigabit': ['Gb', 'gigabit'],
  'gigabyte': ['GB', 'gigabyte'], 'gram': ['g', 'gram'], 'hectare': ['ha', 'hectare'], 'hour': ['hr', 'hour'], 'inch': ['in', 'inch', 'inches'], 'kilobit': ['kb', 'kilobit'], 'kilobyte': ['kB', 'kilobyte'],
  'kilogram': ['kg', 'kilogram'], 'kilometer': ['km', 'kilometer'], 'liter': ['L', 'liter'], 'megabit': ['Mb', 'megabit'], 'megabyte': ['MB', 'megabyte'], 'meter': ['m', 'meter'], 'mile': ['mi', 'mile'],
  'milliliter': ['mL', 'milliliter'], 'millimeter': ['mm', 'millimeter'], 'millisecond': ['ms', 'millisecond'], 'minute': ['min', 'minute'], 'month': ['mth', 'month'], 'ounce': ['oz', 'ounce'],
  'percent': ['%', 'percent', 'percent'], 'petabyte': ['PB', 'petabyte'], 'pound': ['lb', 'pound'], 'second': ['sec', 'second'], 'stone': ['st', 'stone', 'stones'], 'terabit': ['Tb', 'terabit'],
  'terabyte': ['TB', 'terabyte'], 'week': ['wk', 'week'], 'yard': ['yd', 'yard'], 'year': ['yr', 'year'],
};
const perUnit = { second: 's', hour: 'h' };
const plural = new Set(['day', 'week', 'month', 'year']); // whose short form has a plural

class NumberFormat {
  #o;
  constructor(locales, options = {}) {
    if (new.target === undefined) return new NumberFormat(locales, options);
    options = options === null ? Object(options) : options;
    const o = this.#o = { locale: resolve(locales), numberingSystem: 'latn' };
    o.style = pick(options, 'style', ['decimal', 'percent', 'currency', 'unit'], 'decimal');
    const currency = options.currency, unit = options.unit;
    if (currency !== undefined && !/^[A-Za-z]{3}$/.test(`${currency}`)) throw new RangeError(`Invalid currency code : ${currency}`);
    if (o.style === 'currency') {
      if (currency === undefined) throw new TypeError('Currency code is required with currency style.');
      o.currency = `${currency}`.toUpperCase();
      o.currencyDisplay = pick(options, 'currencyDisplay', ['code', 'symbol', 'narrowSymbol', 'name'], 'symbol');
      o.currencySign = pick(options, 'currencySign', ['standard', 'accounting'], 'standard');
    } else if (o.style === 'unit') {
      if (unit === undefined) throw new TypeError('Unit is required with unit style.');
      if (!`${unit}`.split('-per-').every((u) => units[u] !== undefined)) throw new RangeError(`Invalid unit argument for Intl.NumberFormat() '${unit}'`);
      o.unit = `${unit}`;
      o.unitDisplay = pick(options, 'unitDisplay', ['short', 'narrow', 'long'], 'short');
    }
    o.notation = pick(options, 'notation', ['standard', 'scientific', 'engineering', 'compact'], 'standard');
    const currencyDefault = o.style === 'currency' && o.notation === 'standard' ? currencyDigits[o.currency] ?? 2 : undefined;
    const minDefault = currencyDefault ?? 0, maxDefault = currencyDefault ?? (o.style === 'percent' || o.notation === 'compact' ? 0 : 3);
    o.minimumIntegerDigits = integer(options, 'minimumIntegerDigits', 1, 21, 1);
    const minS = options.minimumSignificantDigits, maxS = options.maximumSignificantDigits;
    const minF = integer(options, 'minimumFractionDigits', 0, 100), maxF = integer(options, 'maximumFractionDigits', 0, 100);
    if (minS !== undefined || maxS !== undefined) {
      o.minimumSignificantDigits = integer(options, 'minimumSignificantDigits', 1, 21, 1);
      o.maximumSignificantDigits = integer(options, 'maximumSignificantDigits', o.minimumSignificantDigits, 21, 21);
    } else if (minF !== undefined || maxF !== undefined || o.notation !== 'compact') {
      if (minF !== undefined && maxF !== undefined && minF > maxF) throw new RangeError('maximumFractionDigits value is out of range.');
      o.minimumFractionDigits = minF ?? Math.min(minDefault, maxF ?? 100);
      o.maximumFractionDigits = maxF ?? Math.max(maxDefault, o.minimumFractionDigits);
    } else o.compactRounding = true;
    if (o.notation === 'compact') o.compactDisplay = pick(options, 'compactDisplay', ['short', 'long'], 'short');
    const grouping = options.useGrouping;
    o.useGrouping = grouping === undefined ? (o.notation === 'compact' ? 'min2' : 'auto') : grouping === false || grouping === 'false' ? false : grouping === true || grouping === 'true' ? 'always' : pick(options, 'useGrouping', ['min2', 'auto', 'always'], 'auto');
    o.signDisplay = pick(options, 'signDisplay', ['auto', 'never', 'always', 'exceptZero', 'negative'], 'auto');
    o.roundingMode = pick(options, 'roundingMode', ['ceil', 'floor', 'expand', 'trunc', 'halfCeil', 'halfFloor', 'halfExpand', 'halfTrunc', 'halfEven'], 'halfExpand');
  }
  get format() {
    const f = (value) => this.formatToParts(value).map((p) => p.value).join('');
    Object.defineProperty(this, 'format', { value: f, configurable: true });
    return f;
  }
  #round(w, f) {
    const o = this.#o;
    if (o.compactRounding) {
      return w.length >= 2 ? roundAt(w, f, 0) : significant(w, f, 1, 2);
    }
    if (o.maximumSignificantDigits !== undefined) return significant(w, f, o.minimumSignificantDigits, o.maximumSignificantDigits);
    let r;
    if (o.roundingMode === 'trunc' || o.roundingMode === 'floor') r = [w, f.slice(0, o.maximumFractionDigits)];
    else if ((o.roundingMode === 'ceil' || o.roundingMode === 'expand') && /[1-9]/.test(f.slice(o.maximumFractionDigits))) r = roundAt(w, f.slice(0, o.maximumFractionDigits) + '9', o.maximumFractionDigits);
    else r = roundAt(w, f, o.maximumFractionDigits);
    return [r[0], r[1].replace(/0+$/, '').padEnd(o.minimumFractionDigits, '0')];
  }
  formatToParts(value) {
    const o = this.#o, parts = [];
    let x = typeof value === 'bigint' ? value : typeof value === 'string' && /^\s*-?\d{16,}\s*$/.test(value) ? BigInt(value.trim()) : Number(value);
    const negative = typeof x === 'bigint' ? x < 0n : x < 0 || Object.is(x, -0);
    let whole, fraction = '', suffix, exponent;
    if (typeof x === 'number' && !Number.isFinite(x)) {
      parts.push(Number.isNaN(x) ? { type: 'nan', value: 'NaN' } : { type: 'infinity', value: '∞' });
    } else {
      [whole, fraction] = decimal(x);
      if (o.style === 'percent') {
        const padded = fraction.padEnd(2, '0');
        whole = (whole + padded.slice(0, 2)).replace(/^0+(?=\d)/, '');
        fraction = padded.slice(2);
      }
      if (o.notation === 'compact') [whole, fraction, suffix] = this.#compact(whole, fraction);
      else if (o.notation !== 'standard') [whole, fraction, exponent] = this.#scientific(whole, fraction);
      else [whole, fraction] = this.#round(whole, fraction);
      whole = whole.padStart(o.minimumIntegerDigits, '0');
      const minimum = o.useGrouping === 'min2' ? 5 : 4;
      if (o.useGrouping !== false && whole.length >= minimum) {
        const head = whole.length % 3 || 3;
        parts.push({ type: 'integer', value: whole.slice(0, head) });
        for (let i = head; i < whole.length; i += 3) parts.push({ type: 'group', value: ',' }, { type: 'integer', value: whole.slice(i, i + 3) });
      } else parts.push({ type: 'integer', value: whole });
      if (fraction !== '') parts.push({ type: 'decimal', value: '.' }, { type: 'fraction', value: fraction });
      if (exponent !== undefined) {
        parts.push({ type: 'exponentSeparator', value: 'E' });
        if (exponent < 0) parts.push({ type: 'exponentMinusSign', value: '-' });
        parts.push({ type: 'exponentInteger', value: `${Math.abs(exponent)}` });
      }
      if (suffix !== undefined) {
        if (o.compactDisplay === 'long') parts.push({ type: 'literal', value: ' ' });
        parts.push({ type: 'compact', value: suffix });
      }
    }
    const zero = whole !== undefined && !/[1-9]/.test(whole + fraction);
    const one = whole === '1' && fraction === '' && suffix === undefined;
    if (o.style === 'percent') parts.push({ type: 'percentSign', value: '%' });
    else if (o.style === 'unit') this.#unit(parts, one);
    else if (o.style === 'currency') {
      const code = o.currency;
      if (o.currencyDisplay === 'name') parts.push({ type: 'literal', value: ' ' }, { type: 'currency', value: currencyNames[code]?.[one ? 0 : 1] ?? code });
      else {
        const symbol = o.currencyDisplay === 'code' ? code : o.currencyDisplay === 'narrowSymbol' ? narrow[code] ?? symbols[code] ?? code : symbols[code] ?? code;
        if (/[A-Za-z]$/.test(symbol)) parts.unshift({ type: 'literal', value: '\u00a0' });
        parts.unshift({ type: 'currency', value: symbol });
      }
    }
    const nan = typeof x === 'number' && Number.isNaN(x);
    let sign = '';
    switch (o.signDisplay) {
      case 'auto': sign = negative ? '-' : ''; break;
      case 'always': sign = negative ? '-' : '+'; break;
      case 'exceptZero': sign = zero || nan ? '' : negative ? '-' : '+'; break;
      case 'negative': sign = negative && !zero ? '-' : ''; break;
    }
    if (sign === '-' && o.currencySign === 'accounting') {
      parts.unshift({ type: 'literal', value: '(' });
      parts.push({ type: 'literal', value: ')' });
    } else if (sign !== '') parts.unshift({ type: sign === '-' ? 'minusSign' : 'plusSign', value: sign });
    return parts;
  }
  #unit(parts, one) {
    const o = this.#o, [unit, per] = o.unit.split('-per-'), [short, singular, many = `${singular}s`] = units[unit];
    const long = o.unitDisplay === 'long';
    let text = long ? (one ? singular : many) : plural.has(unit) && !one ? `${short}s` : short;
    if (per !== undefined) {
      if (long) text += ` per ${units[per][1]}`;
      else if (o.unit === 'mile-per-hour') text = 'mph';
      else if (o.unit === 'mile-per-gallon') text = 'mpg';
      else text += `/${perUnit[per] ?? units[per][0]}`;
    }
    if (o.unitDisplay !== 'narrow' && text !== '%' && !text.startsWith('°')) parts.push({ type: 'literal', value: ' ' });
    parts.push({ type: 'unit', value: text });
  }
  #compact(whole, fraction) {
    const names = this.#o.compactDisplay === 'long' ? ['thousand', 'million', 'billion', 'trillion'] : ['K', 'M', 'B', 'T'];
    for (let step = Math.min(4, Math.floor((whole.length - 1) / 3)); ; step++) {
      const cut = whole.length - 3 * step;
      const [w, f] = this.#round(whole.slice(0, cut), whole.slice(cut) + fraction);
      if (w.length > 3 && step < 4) continue; // 999,999 is 1M
      return [w, f.replace(/0+$/, this.#o.compactRounding ? '' : '$&'), step === 0 ? undefined : names[step - 1]];
    }
  }
  #scientific(whole, fraction) {
    const digits = whole + fraction, lead = /[1-9]/.exec(digits);
    if (lead === null) return ['0', '', 0];
    let exponent = whole.length - lead.index - 1, before = 1;
    if (this.#o.notation === 'engineering') {
      before = ((exponent % 3) + 3) % 3 + 1;
      exponent -= before - 1;
    }
    const rest = digits.slice(lead.index).padEnd(before, '0');
    const [w, f] = this.#round(rest.slice(0, before), rest.slice(before));
    return [w, f, exponent];
  }
  formatRange(a, b) { const x = this.format(a), y = this.format(b); return x === y ? `~${x}` : `${x}–${y}`; }
  resolvedOptions() {
    const { compactRounding, ...o } = this.#o;
    if (compactRounding) Object.assign(o, { minimumFractionDigits: 0, maximumFractionDigits: 0, minimumSignificantDigits: 1, maximumSignificantDigits: 2 });
    return { ...o, roundingIncrement: 1, roundingPriority: compactRounding ? 'morePrecision' : 'auto', trailingZeroDisplay: 'auto' };
  }
  static supportedLocalesOf(locales) { return supportedLocalesOf(locales); }
}

// ---- time zones ----

const zones = new Map(); // name -> periods seen, [offset, abbreviation, from, until, dst]
function zoneAt(name, ms) {
  const seconds = Math.floor(ms / 1000);
  let periods = zones.get(name);
  const known = periods?.find((p) => seconds >= p[2] && seconds < p[3]);
  if (known !== undefined) return known;
  let text;
  try {
    text = call(op.ZONE, undefined, name, seconds);
  } catch {
    throw new RangeError(`Invalid time zone specified: ${name}`);
  }
  const [offset, abbreviation, from, until, dst] = String.fromCharCode(...text).split(' ');
  const period = [Number(offset), abbreviation, Number(from), Number(until), dst === '1'];
  if (periods === undefined || periods.length > 64) zones.set(name, periods = []);
  periods.push(period);
  return period;
}
const localZone = () => { const tz = process.env.TZ; return tz === undefined || tz === '' || tz.startsWith(':') && tz !== ':UTC' ? 'UTC' : tz.replace(/^:/, ''); };
function zoneName(value) {
  const text = `${value}`;
  const offset = /^([+-])(\d\d)(?::?(\d\d))?$/.exec(text);
  if (offset !== null && Number(offset[2]) < 24) return `${offset[1]}${offset[2]}:${offset[3] ?? '00'}`;
  if (/^(utc|etc\/utc|gmt|etc\/gmt)$/i.test(text)) return 'UTC';
  const canonicalCase = text.split('/').map((p) => p.split('_').map((w) => (/^[a-z]+$|^[A-Z]{4,}$/.test(w) && text.includes('/') ? w[0].toUpperCase() + w.slice(1).toLowerCase() : w)).join('_')).join('/');
  for (const name of [text, canonicalCase]) {
    try { zoneAt(name, 0); return name; } catch { /* the next spelling */ }
  }
  throw new RangeError(`Invalid time zone specified: ${text}`);
}
function offsetOf(zone, ms) { // seconds
  const fixed = /^([+-])(\d\d):(\d\d)$/.exec(zone);
  return fixed !== null ? (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 3600 + Number(fixed[3]) * 60) : zone === 'UTC' ? 0 : zoneAt(zone, ms)[0];
}
const american = { 'America/New_York': 'Eastern', 'America/Detroit': 'Eastern', 'America/Toronto': 'Eastern', 'US/Eastern': 'Eastern', 'America/Chicago': 'Central', 'US/Central': 'Central', 'America/Denver': 'Mountain', 'US/Mountain': 'Mountain', 'America/Phoenix': 'Mountain', 'America/Los_Angeles': 'Pacific', 'US/Pacific': 'Pacific', 'America/Anchorage': 'Alaska' };
const longZones = {
  'UTC': ['Coordinated Universal Time'], 'Europe/London': ['Greenwich Mean Time', 'British Summer Time'], 'Asia/Kolkata': ['India Standard Time'], 'Asia/Calcutta': ['India Standard Time'],
  'Asia/Tokyo': ['Japan Standard Time'], 'Asia/Shanghai': ['China Standard Time'], 'Asia/Singapore': ['Singapore Standard Time'], 'Australia/Sydney': ['Australian Eastern Standard Time', 'Australian Eastern Daylight Time'],
  'Australia/Melbourne': ['Australian Eastern Standard Time', 'Australian Eastern Daylight Time'], 'Pacific/Honolulu': ['Hawaii-Aleutian Standard Time'], 'America/Sao_Paulo': ['Brasilia Standard Time'],
};
for (const n of ['Paris', 'Berlin', 'Madrid', 'Rome', 'Amsterdam', 'Brussels', 'Vienna', 'Zurich', 'Stockholm', 'Oslo', 'Copenhagen', 'Prague', 'Warsaw', 'Budapest']) longZones[`Europe/${n}`] = ['Central European Standard Time', 'Central European Summer Time'];
for (const n of ['Athens', 'Helsinki', 'Kyiv', 'Bucharest', 'Sofia']) longZones[`Europe/${n}`] = ['Eastern European Standard Time', 'Eastern European Summer Time'];
function gmt(seconds, long) {
  if (seconds === 0) return long ? 'GMT+00:00' : 'GMT';
  const s = Math.abs(seconds), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  const hours = long ? `${h}`.padStart(2, '0') : h;
  return `GMT${seconds < 0 ? '-' : '+'}${hours}${m !== 0 || long ? `:${`${m}`.padStart(2, '0')}` : ''}`;
}
function zoneLabel(zone, ms, style) {
  const seconds = offsetOf(zone, ms);
  if (style === 'longOffset') return gmt(seconds, true);
  if (style === 'shortOffset') return gmt(seconds, false);
  const dst = zone === 'UTC' || /^[+-]/.test(zone) ? false : zoneAt(zone, ms)[4];
  if (style === 'short' || style === 'shortGeneric') {
    if (zone === 'UTC') return 'UTC';
    if (american[zone] !== undefined) return american[zone] === 'Alaska' ? `AK${dst ? 'D' : 'S'}T` : `${american[zone][0]}${dst ? 'D' : 'S'}T`;
    if (zone === 'Pacific/Honolulu') return 'HST';
    return gmt(seconds, false);
  }
  if (american[zone] !== undefined) return `${american[zone]} ${dst ? 'Daylight' : 'Standard'} Time`;
  const names = longZones[zone];
  return names === undefined ? gmt(seconds, true) : names[dst ? 1 : 0] ?? names[0];
}

// ---- dates ----

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const two = (n) => `${n}`.padStart(2, '0');
const styles = {
  date: { full: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }, long: { year: 'numeric', month: 'long', day: 'numeric' }, medium: { year: 'numeric', month: 'short', day: 'numeric' }, short: { year: '2-digit', month: 'numeric', day: 'numeric' } },
  time: { full: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'long' }, long: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' }, medium: { hour: 'numeric', minute: '2-digit', second: '2-digit' }, short: { hour: 'numeric', minute: '2-digit' } },
};
const dateFields = ['weekday', 'year', 'month', 'day'], timeFields = ['dayPeriod', 'hour', 'minute', 'second', 'fractionalSecondDigits'];

class DateTimeFormat {
  #o; #f; #at;
  constructor(locales, options, defaults = 'date') {
    if (new.target === undefined) return new DateTimeFormat(locales, options, defaults);
    options = options === undefined ? {} : Object(options);
    const o = this.#o = { locale: resolve(locales), calendar: 'gregory', numberingSystem: 'latn', timeZone: options.timeZone === undefined ? zoneName(localZone()) : zoneName(options.timeZone) };
    const f = this.#f = {};
    const text = ['narrow', 'short', 'long'], number = ['2-digit', 'numeric'];
    f.weekday = pick(options, 'weekday', text);
    f.era = pick(options, 'era', text);
    f.year = pick(options, 'year', number);
    f.month = pick(options, 'month', [...number, ...text]);
    f.day = pick(options, 'day', number);
    f.dayPeriod = pick(options, 'dayPeriod', text);
    f.hour = pick(options, 'hour', number);
    f.minute = pick(options, 'minute', number);
    f.second = pick(options, 'second', number);
    f.fractionalSecondDigits = integer(options, 'fractionalSecondDigits', 1, 3);
    f.timeZoneName = pick(options, 'timeZoneName', ['short', 'long', 'shortOffset', 'longOffset', 'shortGeneric', 'longGeneric']);
    pick(options, 'localeMatcher', ['lookup', 'best fit']);
    const dateStyle = pick(options, 'dateStyle', ['full', 'long', 'medium', 'short']), timeStyle = pick(options, 'timeStyle', ['full', 'long', 'medium', 'short']);
    const any = (names) => names.some((n) => f[n] !== undefined);
    if (dateStyle !== undefined || timeStyle !== undefined) {
      const bad = [...dateFields, 'era', ...timeFields, 'timeZoneName'].find((n) => f[n] !== undefined);
      if (bad !== undefined) throw new TypeError(`Can't set option ${bad} when ${dateStyle !== undefined ? 'dateStyle' : 'timeStyle'} is used`);
      if (defaults === 'date only' && timeStyle !== undefined || defaults === 'time only' && dateStyle !== undefined) throw new TypeError(`Invalid option : ${timeStyle !== undefined && defaults === 'date only' ? 'timeStyle' : 'dateStyle'}`);
      Object.assign(f, styles.date[dateStyle], styles.time[timeStyle]);
      if (dateStyle !== undefined) o.dateStyle = dateStyle;
      if (timeStyle !== undefined) o.timeStyle = timeStyle;
      this.#at = dateStyle === 'full' || dateStyle === 'long';
    } else {
      const wanted = defaults === 'time only' ? any(timeFields) : defaults === 'date only' ? any(dateFields) : any([...dateFields, ...timeFields]);
      if (!wanted) {
        if (defaults !== 'time only') f.year = f.month = f.day = 'numeric';
        if (defaults === 'all' || defaults === 'time only') f.hour = f.minute = f.second = 'numeric';
      }
      this.#at = f.month === 'long';
    }
    if (f.hour !== undefined) {
      const cycle = pick(options, 'hourCycle', ['h11', 'h12', 'h23', 'h24']);
      o.hourCycle = options.hour12 !== undefined ? (options.hour12 ? 'h12' : 'h23') : cycle ?? 'h12';
      if (options.hour12 !== undefined && !options.hour12) o.hourCycle = 'h24-like';
      o.hour12 = o.hourCycle === 'h11' || o.hourCycle === 'h12';
    }
  }
  get format() {
    const f = (date) => this.formatToParts(date).map((p) => p.value).join('');
    Object.defineProperty(this, 'format', { value: f, configurable: true });
    return f;
  }
  formatToParts(date) {
    const ms = date === undefined ? Date.now() : Number(date);
    if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) throw new RangeError('Invalid time value');
    const f = this.#f, o = this.#o, parts = [];
    const t = new Date(ms + offsetOf(o.timeZone, ms) * 1000);
    const literal = (value) => { if (parts.length > 0) parts.push({ type: 'literal', value }); };
    const add = (type, value) => parts.push({ type, value: `${value}` });
    const y = t.getUTCFullYear(), bc = y <= 0;
    const year = () => { const shown = f.era !== undefined && bc ? 1 - y : bc ? 1 - y : y; add('year', f.year === '2-digit' ? two(shown % 100) : shown); };
    const day = () => add('day', f.day === '2-digit' ? two(t.getUTCDate()) : t.getUTCDate());
    const named = (list, i, width) => (width === 'long' ? list[i] : width === 'short' ? list[i].slice(0, 3) : list[i][0]);
    const weekday = () => add('weekday', named(weekdays, t.getUTCDay(), f.weekday));
    const textMonth = f.month === 'long' || f.month === 'short' || f.month === 'narrow';
    const month = () => add('month', textMonth ? named(months, t.getUTCMonth(), f.month) : f.month === '2-digit' ? two(t.getUTCMonth() + 1) : t.getUTCMonth() + 1);
    const hasDate = f.year !== undefined || f.month !== undefined || f.day !== undefined;
    if (f.weekday !== undefined && (!hasDate || f.month !== undefined && f.day !== undefined)) {
      weekday();
      if (hasDate) literal(', ');
    }
    if (f.month !== undefined) {
      month();
      if (textMonth) {
        if (f.day !== undefined) { literal(' '); day(); if (f.year !== undefined) literal(', '); } else if (f.year !== undefined) literal(' ');
        if (f.year !== undefined) year();
      } else {
        if (f.day !== undefined) { literal('/'); day(); }
        if (f.year !== undefined) { literal('/'); year(); }
      }
    } else if (f.year !== undefined) {
      year();
      if (f.day !== undefined) { literal(' (day: '); day(); add('literal', ')'); }
    } else if (f.day !== undefined) day();
    if (f.weekday !== undefined && hasDate && !(f.month !== undefined && f.day !== undefined)) { literal(' '); weekday(); }
    if (f.era !== undefined) { literal(' '); add('era', f.era === 'long' ? (bc ? 'Before Christ' : 'Anno Domini') : f.era === 'narrow' ? (bc ? 'B' : 'A') : bc ? 'BC' : 'AD'); }
    if (f.hour !== undefined || f.minute !== undefined || f.second !== undefined || f.fractionalSecondDigits !== undefined) {
      literal(hasDate ? (this.#at && textMonth ? ' at ' : ', ') : ' ');
      this.#time(t, f, o, add);
    }
    if (f.timeZoneName !== undefined) { literal(hasDate && f.hour === undefined && f.minute === undefined ? ', ' : ' '); add('timeZoneName', zoneLabel(o.timeZone, ms, f.timeZoneName)); }
    return parts;
  }
  #time(t, f, o, add) {
    const h = t.getUTCHours();
    let first = true;
    const colon = () => { if (!first) add('literal', ':'); first = false; };
    if (f.hour !== undefined) {
      colon();
      const shown = o.hour12 ? (o.hourCycle === 'h11' ? h % 12 : h % 12 || 12) : (o.hourCycle === 'h24' || o.hourCycle === 'h24-like') && h === 0 ? 24 : h;
      add('hour', f.hour === '2-digit' || !o.hour12 ? two(shown) : shown);
    }
    if (f.minute !== undefined) { colon(); add('minute', f.hour !== undefined || f.second !== undefined ? two(t.getUTCMinutes()) : t.getUTCMinutes()); }
    if (f.second !== undefined) { colon(); add('second', f.minute !== undefined || f.second === '2-digit' && f.hour !== undefined ? two(t.getUTCSeconds()) : t.getUTCSeconds()); }
    if (f.fractionalSecondDigits !== undefined) {
      if (f.second !== undefined) add('literal', '.');
      add('fractionalSecond', `${t.getUTCMilliseconds()}`.padStart(3, '0').slice(0, f.fractionalSecondDigits));
    }
    if (f.hour !== undefined && o.hour12) {
      add('literal', ' ');
      add('dayPeriod', f.dayPeriod === undefined ? (h < 12 ? 'AM' : 'PM') : h === 12 ? 'noon' : h >= 6 && h < 12 ? 'in the morning' : h >= 12 && h < 18 ? 'in the afternoon' : h >= 18 && h < 21 ? 'in the evening' : 'at night');
    }
  }
  formatRange(a, b) { const x = this.format(a), y = this.format(b); return x === y ? x : `${x}\u2009–\u2009${y}`; }
  formatRangeToParts(a, b) {
    return [...this.formatToParts(a).map((p) => ({ ...p, source: 'startRange' })), { type: 'literal', value: '\u2009–\u2009', source: 'shared' }, ...this.formatToParts(b).map((p) => ({ ...p, source: 'endRange' }))];
  }
  resolvedOptions() {
    const o = { ...this.#o };
    if (o.hourCycle === 'h24-like') o.hourCycle = 'h24';
    if (o.dateStyle === undefined && o.timeStyle === undefined) {
      for (const name in this.#f) if (this.#f[name] !== undefined) o[name] = (name === 'minute' || name === 'second') && this.#f.hour !== undefined ? '2-digit' : this.#f[name];
    }
    return o;
  }
  static supportedLocalesOf(locales) { return supportedLocalesOf(locales); }
}

// ---- the rest ----

class PluralRules {
  #o;
  constructor(locales, options = {}) {
    if (new.target === undefined) throw new TypeError("Constructor Intl.PluralRules requires 'new'");
    this.#o = { locale: resolve(locales), type: pick(options, 'type', ['cardinal', 'ordinal'], 'cardinal') };
  }
  select(n) {
    n = Number(n);
    if (this.#o.type === 'cardinal') return n === 1 ? 'one' : 'other';
    const tens = n % 100, ones = n % 10;
    return ones === 1 && tens !== 11 ? 'one' : ones === 2 && tens !== 12 ? 'two' : ones === 3 && tens !== 13 ? 'few' : 'other';
  }
  resolvedOptions() { return { ...this.#o, minimumIntegerDigits: 1, minimumFractionDigits: 0, maximumFractionDigits: 3, pluralCategories: this.#o.type === 'cardinal' ? ['one', 'other'] : ['few', 'one', 'two', 'other'], roundingMode: 'halfExpand' }; }
  static supportedLocalesOf(locales) { return supportedLocalesOf(locales); }
}

// Unicode's order for text of Latin script: blanks, punctuation, symbols, digits, letters; then accents; then lower before upper case.
const punctuation = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
function weight(c) {
  if (/\s/.test(c)) return 1;
  const at = punctuation.indexOf(c);
  if (at >= 0) return 10 + at;
  if (c >= '0' && c <= '9') return 100 + c.charCodeAt(0) - 48;
  if (c >= 'a' && c <= 'z') return 200 + c.charCodeAt(0) - 97;
  return 1000 + c.codePointAt(0);
}
class Collator {
  #o;
  constructor(locales, options = {}) {
    if (new.target === undefined) return new Collator(locales, options);
    this.#o = {
      locale: resolve(locales), usage: pick(options, 'usage', ['sort', 'search'], 'sort'), sensitivity: pick(options, 'sensitivity', ['base', 'accent', 'case', 'variant'], 'variant'),
      ignorePunctuation: options.ignorePunctuation === true, collation: 'default', numeric: options.numeric === true, caseFirst: pick(options, 'caseFirst', ['upper', 'lower', 'false', false], 'false'),
    };
  }
  get compare() {
    const f = (a, b) => compare(`${a}`, `${b}`, this.#o);
    Object.defineProperty(this, 'compare', { value: f, configurable: true });
    return f;
  }
  resolvedOptions() { return { ...this.#o }; }
  static supportedLocalesOf(locales) { return supportedLocalesOf(locales); }
}
const usual = { sensitivity: 'variant', numeric: false, caseFirst: 'false', ignorePunctuation: false };
function compare(a, b, o) {
  if (a === b) return 0;
  const split = (s) => {
    s = s.normalize('NFD');
    if (o.ignorePunctuation) s = s.replace(/[\s\p{P}]/gu, '');
    return [s.replace(/\p{M}/gu, ''), s];
  };
  const [baseA, fullA] = split(a), [baseB, fullB] = split(b);
  const x = baseA.toLowerCase(), y = baseB.toLowerCase();
  for (let i = 0, j = 0; i < x.length || j < y.length; i++, j++) {
    if (i >= x.length) return -1;
    if (j >= y.length) return 1;
    if (o.numeric && x[i] >= '0' && x[i] <= '9' && y[j] >= '0' && y[j] <= '9') {
      const m = /^\d+/.exec(x.slice(i))[0], n = /^\d+/.exec(y.slice(j))[0];
      const d = BigInt(m) - BigInt(n);
      if (d !== 0n) return d < 0n ? -1 : 1;
      i += m.length - 1;
      j += n.length - 1;
      continue;
    }
    const d = weight(x[i]) - weight(y[j]);
    if (d !== 0) return d < 0 ? -1 : 1;
  }
  if (o.sensitivity !== 'base' && o.sensitivity !== 'case') {
    const m = fullA.toLowerCase(), n = fullB.toLowerCase();
    if (m !== n) return m < n ? -1 : 1;
  }
  if (o.sensitivity === 'base' || o.sensitivity === 'accent') return 0;
  for (let i = 0; i < Math.min(baseA.length, baseB.length); i++) {
    if (baseA[i] === baseB[i]) continue;
    const lower = baseA[i] === x[i] ? -1 : 1;
    return o.caseFirst === 'upper' ? -lower : lower;
  }
  return 0;
}

class ListFormat {
  #o;
  constructor(locales, options = {}) {
    this.#o = { locale: resolve(locales), type: pick(options, 'type', ['conjunction', 'disjunction', 'unit'], 'conjunction'), style: pick(options, 'style', ['long', 'short', 'narrow'], 'long') };
  }
  formatToParts(list) {
    const { type, style } = this.#o, items = Array.from(list, (x) => { if (typeof x !== 'string') throw new TypeError('Iterable yielded a non-String value'); return x; });
    const word = type === 'disjunction' ? 'or ' : type === 'unit' ? '' : style === 'long' ? 'and ' : style === 'short' ? '& ' : '';
    const between = type === 'unit' && style === 'narrow' ? ' ' : ', ';
    const parts = [];
    items.forEach((value, i) => {
      if (i > 0) parts.push({ type: 'literal', value: i < items.length - 1 ? between : items.length === 2 && word !== '' ? ` ${word}` : between + word });
      parts.push({ type: 'element', value });
    });
    return parts;
  }
  format(list) { return this.formatToParts(list).map((p) => p.value).join(''); }
  resolvedOptions() { return { ...this.#o }; }
  static supportedLocalesOf(locales) { return supportedLocalesOf(locales); }
}

const relative = { '-1 day': 'yesterday', '0 day': 'today', '1 day': 'tomorrow' };
const shortUnits = { second: 'sec.', minute: 'min.', hour: 'hr.', month: 'mo.', quarter: 'qtr.', week: 'wk.', year: 'yr.' };
class RelativeTimeFormat {
  #o;
  constructor(locales, options = {}) {
    this.#o = { locale: resolve(locales), style: pick(options, 'style', ['long', 'short', 'narrow'], 'long'), numeric: pick(options, 'numeric', ['always', 'auto'], 'always'), numberingSystem: 'latn' };
  }
  format(value, unit) {
    const n = Number(value), u = `${unit}`.replace(/s$/, '');
    if (!['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'].includes(u)) throw new RangeError(`Invalid unit argument for format() '${unit}'`);
    if (!Number.isFinite(n)) throw new RangeError('Invalid time value');
    if (this.#o.numeric === 'auto') {
      const named = relative[`${n} ${u}`];
      if (named !== undefined) return named;
      if (u === 'second' && n === 0) return 'now';
      const short = this.#o.style === 'long' ? u : (shortUnits[u] ?? u);
      if (n === 0 && u !== 'day') return `this ${u === 'minute' || u === 'hour' ? u : short}`;
      if (u === 'week' || u === 'month' || u === 'quarter' || u === 'year') { if (n === 1) return `next ${short}`; if (n === -1) return `last ${short}`; }
    }
    const text = new NumberFormat(LOCALE).format(Math.abs(n)), one = Math.abs(n) === 1;
    let name = u + (one ? '' : 's');
    if (this.#o.style !== 'long') name = u === 'day' ? name : u === 'quarter' && !one ? 'qtrs.' : shortUnits[u];
    return n < 0 || Object.is(n, -0) ? `${text} ${name} ago` : `in ${text} ${name}`;
  }
  formatToParts(value, unit) { return [{ type: 'literal', value: this.format(value, unit) }]; }
  resolvedOptions() { return { ...this.#o }; }
  static supportedLocalesOf(locales) { return supportedLocalesOf(locales); }
}

module.exports = function install() {
  const Intl = {};
  const hide = (object, name, value) => Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
  for (const C of [Collator, DateTimeFormat, ListFormat, NumberFormat, PluralRules, RelativeTimeFormat]) {
    // Some are called without new.
    const callable = C === Collator || C === DateTimeFormat || C === NumberFormat;
    const Public = callable ? { [C.name](locales, options) { return Reflect.construct(C, [locales, options], new.target ?? Public); } }[C.name] : C;
    const Made = callable ? function (locales, options) { return Reflect.construct(C, [locales, options], new.target ?? Made); } : Public;
    if (callable) {
      Object.defineProperty(Made, 'name', { value: C.name, configurable: true });
      Made.prototype = C.prototype;
      hide(C.prototype, 'constructor', Made);
      hide(Made, 'supportedLocalesOf', supportedLocalesOf);
    }
    Object.defineProperty(C.prototype, Symbol.toStringTag, { value: `Intl.${C.name}`, configurable: true });
    hide(Intl, C.name, Made);
  }
  hide(Intl, 'getCanonicalLocales', (locales) => localesOf(locales));
  hide(Intl, 'supportedValuesOf', (key) => ({ calendar: ['gregory'], collation: ['default'], currency: Object.keys({ ...symbols, ...currencyDigits }).sort(), numberingSystem: ['latn'], timeZone: Object.keys({ ...american, ...longZones }).sort(), unit: Object.keys(units) }[key] ?? (() => { throw new RangeError(`Invalid key : ${key}`); })()));
  Object.defineProperty(Intl, Symbol.toStringTag, { value: 'Intl', configurable: true });
  hide(globalThis, 'Intl', Intl);

  const valid = (date, f) => (Number.isNaN(date.getTime()) ? 'Invalid Date' : f());
  const plain = new Map(); // the formats without options, which most calls use; by zone
  const dates = (date, locales, options, defaults) => valid(date, () => {
    if (options !== undefined) return new DateTimeFormat(locales, options, defaults).format(date);
    if (locales !== undefined) localesOf(locales);
    const key = `${defaults} ${localZone()}`;
    let f = plain.get(key);
    if (f === undefined) plain.set(key, f = new DateTimeFormat(undefined, undefined, defaults));
    return f.format(date);
  });
  const methods = {
    toLocaleString(locales, options) { return dates(this, locales, options, 'all'); },
    toLocaleDateString(locales, options) { return dates(this, locales, options, 'date only'); },
    toLocaleTimeString(locales, options) { return dates(this, locales, options, 'time only'); },
  };
  for (const name in methods) hide(Date.prototype, name, methods[name]);
  const { toString, toTimeString } = Date.prototype;
  const withZone = (original) => function () {
    const text = Reflect.apply(original, this, []);
    return text === 'Invalid Date' ? text : `${text} (${zoneLabel(zoneName(localZone()), this.getTime(), 'long')})`;
  };
  hide(Date.prototype, 'toString', { toString() { return Reflect.apply(withZone(toString), this, []); } }.toString);
  hide(Date.prototype, 'toTimeString', { toTimeString() { return Reflect.apply(withZone(toTimeString), this, []); } }.toTimeString);
  let numbers;
  const format = (value, locales, options) => (locales === undefined && options === undefined ? (numbers ??= new NumberFormat(LOCALE)) : new NumberFormat(locales, options)).format(value);
  hide(Number.prototype, 'toLocaleString', { toLocaleString(locales, options) { return format(Number.prototype.valueOf.call(this), locales, options); } }.toLocaleString);
  hide(BigInt.prototype, 'toLocaleString', { toLocaleString(locales, options) { return format(BigInt.prototype.valueOf.call(this), locales, options); } }.toLocaleString);
  hide(String.prototype, 'localeCompare', { localeCompare(that, locales, options) {
    if (this === undefined || this === null) throw new TypeError('String.prototype.localeCompare called on null or undefined');
    if (locales === undefined && options === undefined) return compare(`${this}`, `${that}`, usual);
    return new Collator(locales, options).compare(`${this}`, `${that}`);
  } }.localeCompare);
};
