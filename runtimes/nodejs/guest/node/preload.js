// Modules of the runtime's image that are loaded before the snapshot is taken: the INIT key preload. What they read of an
// environment then is nobody's; what they keep of it is read anew when the snapshot is restored.
'use strict';

const loop = require('thaw/loop');

const sets = {
  __proto__: null,
  'aws-sdk'(load) {
    const AWS = load('aws-sdk');
    // Service models are read when their clients are first made: those of the services that functions use most.
    for (const name of ['S3', 'DynamoDB', 'SQS', 'SNS', 'Lambda', 'STS', 'SSM', 'SecretsManager', 'CloudWatchLogs']) new AWS[name]({ region: 'us-east-1', accessKeyId: 'x', secretAccessKey: 'x' });
    new AWS.DynamoDB.DocumentClient({ region: 'us-east-1' });
    return () => { AWS.config = new AWS.Config(); };
  },
  'aws-sdk-v3'(load) {
    for (const name of ['client-s3', 'client-dynamodb', 'lib-dynamodb', 'util-dynamodb', 'client-sqs', 'client-sns', 'client-lambda', 'client-sts', 'client-ssm', 'client-secrets-manager', 'client-cloudwatch-logs', 's3-request-presigner']) load(`@aws-sdk/${name}`);
  },
};

const restored = []; // functions that read the environment anew

function preload(names) {
  const { Module } = require('thaw/modules');
  const parent = new Module('/var/runtime/index.mjs');
  parent.filename = '/var/runtime/index.mjs';
  parent.paths = [];
  process.env = { AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1', AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x', AWS_REGION: 'us-east-1' };
  for (const name of names.split(' ').filter(Boolean)) {
    if (sets[name] === undefined) throw new Error(`unknown preload ${name}`);
    const again = sets[name]((id) => Module._load(id, parent, false));
    if (again !== undefined) restored.push(again);
  }
  loop.drain();
  process.env = {};
}

module.exports = { preload, restored };
