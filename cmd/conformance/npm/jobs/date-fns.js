// date-fns
'use strict';
const { format, addMonths, differenceInCalendarDays, parseISO, formatDistance, eachDayOfInterval, isLeapYear, startOfISOWeek } = require('date-fns');
exports.handler = async () => {
  const d = parseISO('2024-01-31T10:20:30Z');
  return [format(d, "yyyy-MM-dd'T'HH:mm:ss EEEE do MMMM"), addMonths(d, 1).toISOString(), differenceInCalendarDays(new Date('2024-03-01T00:00:00Z'), d), formatDistance(d, parseISO('2024-02-10T00:00:00Z'), { addSuffix: true }),
    eachDayOfInterval({ start: d, end: addMonths(d, 1) }).length, isLeapYear(d), startOfISOWeek(d).toISOString()];
};
