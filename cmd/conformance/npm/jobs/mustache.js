// mustache
'use strict';
const Mustache = require('mustache');
exports.handler = async () => Mustache.render('{{#items}}{{name}}={{{raw}}};{{/items}}{{^none}}empty{{/none}}', { items: [{ name: '<a>', raw: '<b>' }] });
