// handlebars
'use strict';
const Handlebars = require('handlebars');
Handlebars.registerHelper('upper', (s) => s.toUpperCase());
Handlebars.registerPartial('foot', '[{{n}}]');
const t = Handlebars.compile('{{#each people}}{{@index}}:{{upper name}}{{#if admin}}*{{/if}} {{else}}none{{/each}}{{> foot}}');
exports.handler = async () => [t({ people: [{ name: 'ann', admin: true }, { name: '<bob>' }], n: 2 }), t({ n: 0 })];
