// ms semver slugify qs cookie clsx tslib
'use strict';
const ms = require('ms'), semver = require('semver'), slugify = require('slugify'), qs = require('qs'), cookie = require('cookie'), { clsx } = require('clsx'), tslib = require('tslib');
exports.handler = async () => [ms('2.5 days'), ms(60000, { long: true }), semver.satisfies('1.2.3', '^1.2 || >=2'), semver.sort(['1.10.0', '1.9.0', '1.9.0-rc.1']), slugify('Größe & Co', { lower: true }), qs.parse('a[b][]=1&a[b][]=2&c=%C3%A4'), qs.stringify({ a: [1, { b: 2 }] }),
  cookie.parse('a=1; b="x%20y"'), cookie.serialize('s', 'v v', { httpOnly: true, maxAge: 60, sameSite: 'lax' }), clsx('a', { b: true, c: 0 }, ['d']), tslib.__spreadArray([1], [2, 3])];
