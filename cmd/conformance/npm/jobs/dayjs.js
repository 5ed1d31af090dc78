// dayjs
'use strict';
const dayjs = require('dayjs');
dayjs.extend(require('dayjs/plugin/utc'));
dayjs.extend(require('dayjs/plugin/duration'));
dayjs.extend(require('dayjs/plugin/relativeTime'));
require('dayjs/locale/de');
exports.handler = async () => [dayjs.utc('2024-02-29').add(1, 'year').format('YYYY-MM-DD dddd'), dayjs.utc(0).locale('de').format('D. MMMM YYYY'), dayjs.duration(100, 'minutes').humanize(), dayjs.utc('2024-01-01').diff('2023-01-01', 'week')];
