// luxon
'use strict';
const { DateTime, Duration, Interval } = require('luxon');
exports.handler = async () => {
  const d = DateTime.fromISO('2024-02-29T12:00:00Z', { zone: 'utc' });
  return [d.plus({ years: 1 }).toISODate(), d.toFormat('yyyy LLL dd HH:mm'), d.weekNumber, Duration.fromObject({ hours: 36 }).shiftTo('days', 'hours').toObject(), Interval.fromDateTimes(d, d.plus({ days: 10 })).length('days'),
    DateTime.fromFormat('05/06/2024', 'dd/MM/yyyy', { zone: 'utc' }).toISO(), d.diff(DateTime.fromISO('2024-01-01', { zone: 'utc' }), ['months', 'days']).toObject()];
};
