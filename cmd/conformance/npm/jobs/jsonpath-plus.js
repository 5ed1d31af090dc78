// jsonpath-plus
'use strict';
const { JSONPath } = require('jsonpath-plus');
exports.handler = async () => ['$..price', '$.store.book[?(@.price<10)].title', '$.store.book[-1:]'].map((path) => JSONPath({ path, eval: 'native', json: { store: { book: [{ title: 'a', price: 8 }, { title: 'b', price: 12 }] } } }));
