// @aws-lambda-powertools/logger @aws-lambda-powertools/metrics
'use strict';
const { Logger } = require('@aws-lambda-powertools/logger');
const { Metrics, MetricUnit } = require('@aws-lambda-powertools/metrics');
const logger = new Logger({ serviceName: 'shop', logLevel: 'DEBUG' });
const metrics = new Metrics({ namespace: 'ns', serviceName: 'shop' });
exports.handler = async (event, context) => {
  const lines = [];
  const sink = {};
  for (const level of ['log', 'info', 'debug', 'error', 'warn']) sink[level] = (l) => lines.push(l);
  logger.console = metrics.console = sink;
  logger.appendKeys({ order: 5 });
  logger.info('hello', { extra: true });
  logger.error('bad', new Error('x'));
  metrics.addDimension('d', '1');
  metrics.addMetric('sold', MetricUnit.Count, 3);
  metrics.publishStoredMetrics();
  return lines.map((l) => JSON.parse(l)).map(({ level, message, order, extra, error, sold, d, _aws }) => ({ level, message, order, extra, error: error && error.message, sold, d, unit: _aws && _aws.CloudWatchMetrics[0].Metrics[0].Unit }));
};
