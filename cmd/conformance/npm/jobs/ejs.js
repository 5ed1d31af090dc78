// ejs
'use strict';
const ejs = require('ejs');
exports.handler = async () => [ejs.render('<% for (const u of users) { %><li><%= u.name %></li><% } %><%- raw %>', { users: [{ name: '<b>' }, { name: 'O\'Neil' }], raw: '<i>' }), await ejs.render('<%= await p %>', { p: Promise.resolve(4) }, { async: true })];
