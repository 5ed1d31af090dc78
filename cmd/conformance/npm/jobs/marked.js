// marked
'use strict';
const { marked } = require('marked');
exports.handler = async () => marked.parse('# T *x*\n\n- a\n- [l](http://x.y "t")\n\n| a | b |\n|--|:-:|\n| 1 | `2` |\n\n```js\nlet x = "<";\n```\n');
