// internalBinding('string_decoder'): the state of a decoder is a buffer of kSize bytes, laid out as Node's C++ does.
'use strict';

module.exports = ({ encodings, buffer }) => {
  const kIncompleteCharactersStart = 0, kIncompleteCharactersEnd = 4, kMissingBytes = 4, kBufferedBytes = 5, kEncodingField = 6, kSize = 7;
  const ASCII = 0, UTF8 = 1, BASE64 = 2, UCS2 = 3, LATIN1 = 4, HEX = 5, BASE64URL = 7;
  const text = (bytes, encoding) => buffer.decodeBytes(bytes, encoding);

  // How many bytes at the end of data begin a character that more data could complete, and how many are missing then.
  // held of its bytes come from before.
  function incomplete(data, encoding, held) {
    const n = data.length;
    if (encoding === UCS2) {
      if (n % 2 === 1) return [n === 3 && held > 1 && (data[1] & 0xFC) === 0xD8 ? 3 : 1, 1];
      return n >= 2 && (data[n - 1] & 0xFC) === 0xD8 ? [2, 2] : [0, 0];
    }
    if (encoding === BASE64 || encoding === BASE64URL) return n % 3 === 0 ? [0, 0] : [n % 3, 3 - n % 3];
    for (let back = 1; back <= Math.min(3, n); back++) {
      const b = data[n - back];
      if ((b & 0xC0) === 0x80) continue;
      const need = b >= 0xC2 && b < 0xE0 ? 2 : b >= 0xE0 && b < 0xF0 ? 3 : b >= 0xF0 && b < 0xF8 ? 4 : 1; // F5 to F7 are never valid, which Node finds out at the end
      if (need <= back) return [0, 0];
      if (back > 1) { // the second byte may already rule the character out
        const second = data[n - back + 1];
        if ((b === 0xE0 && second < 0xA0) || (b === 0xED && second > 0x9F) || (b === 0xF0 && second < 0x90) || (b === 0xF4 && second > 0x8F)) return [0, 0];
      }
      return [back, need - back];
    }
    return [0, 0];
  }

  function decode(state, view) {
    const encoding = state[kEncodingField];
    let data = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    if (encoding === ASCII || encoding === LATIN1 || encoding === HEX) return text(data, encoding);
    const held = state[kBufferedBytes];
    if (held > 0) {
      const joined = new Uint8Array(held + data.length);
      joined.set(state.subarray(0, held));
      joined.set(data, held);
      data = joined;
    }
    const [rest, missing] = incomplete(data, encoding, held);
    state.set(data.subarray(data.length - rest), kIncompleteCharactersStart);
    state[kBufferedBytes] = rest;
    state[kMissingBytes] = missing;
    return text(data.subarray(0, data.length - rest), encoding);
  }

  function flush(state) {
    const encoding = state[kEncodingField];
    let held = state[kBufferedBytes];
    if (encoding === UCS2 && held % 2 === 1) held--;
    const rest = text(state.subarray(0, held), encoding);
    state[kBufferedBytes] = state[kMissingBytes] = 0;
    return rest;
  }

  return {
    encodings, kIncompleteCharactersStart, kIncompleteCharactersEnd, kMissingBytes, kBufferedBytes, kEncodingField, kNumFields: 7, kSize,
    decode, flush,
  };
};
