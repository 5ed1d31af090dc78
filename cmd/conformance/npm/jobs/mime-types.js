// mime-types
'use strict';
const mime = require('mime-types');
exports.handler = async () => [mime.lookup('a.tar.gz'), mime.contentType('x.html'), mime.extension('image/jpeg'), mime.charset('text/plain')];
