// rxjs
'use strict';
const { from, interval, of, lastValueFrom } = require('rxjs');
const { map, filter, take, toArray, mergeMap, delay, scan, catchError, debounceTime } = require('rxjs/operators');
exports.handler = async () => [await lastValueFrom(interval(2).pipe(take(4), map((n) => n * n), filter((n) => n !== 1), toArray())), await lastValueFrom(from([1, 2, 3]).pipe(mergeMap((n) => of(n).pipe(delay(60 - 20 * n))), toArray())), await lastValueFrom(from([1, 2, 3]).pipe(scan((a, b) => a + b), catchError(() => of(-1)), debounceTime(1)))];
