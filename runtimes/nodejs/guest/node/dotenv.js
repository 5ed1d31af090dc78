// What src/node_dotenv.cc of Node does: util.parseEnv() and process.loadEnvFile().
'use strict';

module.exports = function parse(text) {
  const env = {};
  let rest = text.replaceAll('\r', '').trim();
  const skipLine = () => {
    const end = rest.indexOf('\n');
    rest = end < 0 ? '' : rest.slice(end + 1);
  };
  while (rest !== '') {
    rest = rest.trimStart();
    const equals = rest.indexOf('='), end = rest.indexOf('\n');
    if (rest[0] === '#' || equals < 0 || (end >= 0 && end < equals)) {
      if (equals < 0 && rest[0] !== '#') break;
      skipLine();
      continue;
    }
    const key = rest.slice(0, equals).trim().replace(/^export\s+/, '');
    rest = rest.slice(equals + 1);
    if (key === '') break;
    if (rest === '' || rest[0] === '\n') {
      env[key] = '';
      continue;
    }
    rest = rest.replace(/^[^\S\n]+/, '');
    const quote = rest[0];
    if (quote === '"' || quote === "'" || quote === '`') {
      const close = rest.indexOf(quote, 1);
      if (close > 0) {
        const value = rest.slice(1, close);
        env[key] = quote === '"' ? value.replaceAll('\\n', '\n') : value;
        rest = rest.slice(close + 1);
        skipLine();
        continue;
      }
    }
    const line = rest.split('\n', 1)[0];
    env[key] = line.split('#', 1)[0].trim();
    skipLine();
  }
  return env;
};
