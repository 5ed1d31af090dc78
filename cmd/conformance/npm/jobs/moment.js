// moment
'use strict';
const moment = require('moment');
require('moment/locale/fr');
moment.locale('en');
exports.handler = async () => [moment.utc('2024-02-29').add(1, 'month').format('dddd, MMMM Do YYYY'), moment.utc(0).locale('fr').format('LLLL'), moment.duration(123456789).humanize(), moment.utc('2024-01-01').isBefore('2024-06-01'), moment.utc('31/12/2023', 'DD/MM/YYYY', true).isValid(), moment.utc([2024, 0, 31]).from(moment.utc([2024, 1, 29]))];
