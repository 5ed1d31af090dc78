// What the AWS SDK for JavaScript, version 2, expects. Run by TestSDKForJavaScript.
import assert from 'node:assert/strict';
import AWS from 'aws-sdk';
import { zip } from './zip.mjs';

const lambda = new AWS.Lambda({ endpoint: process.env.AWS_ENDPOINT_URL, region: 'us-east-1', maxRetries: 0 });
const FunctionName = 'v2';
const code = (n) => zip('index.js', `exports.handler = (event, context, callback) => callback(null, [${n}, context.functionVersion]);`);

const made = await lambda.createFunction({ FunctionName, Runtime: 'nodejs20.x', Role: 'arn:aws:iam::000000000000:role/lambda_basic_execution', Handler: 'index.handler', Code: { ZipFile: code(1) }, Timeout: 10 }).promise();
assert.equal(made.Version, '$LATEST');
await lambda.waitFor('functionActiveV2', { FunctionName }).promise();
assert.equal((await lambda.publishVersion({ FunctionName }).promise()).Version, '1');
await lambda.updateFunctionCode({ FunctionName, ZipFile: code(2) }).promise();
await lambda.waitFor('functionUpdated', { FunctionName }).promise();
await lambda.createAlias({ FunctionName, Name: 'live', FunctionVersion: '1' }).promise();
let r = await lambda.invoke({ FunctionName: FunctionName + ':live', Payload: '{}' }).promise();
assert.deepEqual([JSON.parse(r.Payload), r.ExecutedVersion, r.StatusCode], [[1, '1'], '1', 200]);
r = await lambda.invokeAsync({ FunctionName, InvokeArgs: '{}' }).promise();
assert.equal(r.Status, 202);
await lambda.addPermission({ FunctionName, StatementId: 's', Action: 'lambda:InvokeFunction', Principal: '111122223333' }).promise();
assert.equal(JSON.parse((await lambda.getPolicy({ FunctionName }).promise()).Policy).Statement.length, 1);
const mapping = await lambda.createEventSourceMapping({ FunctionName, EventSourceArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s', StartingPosition: 'TRIM_HORIZON' }).promise();
assert.ok(mapping.LastModified instanceof Date && mapping.State === 'Creating');
assert.equal((await lambda.listAliases({ FunctionName }).promise()).Aliases[0].Name, 'live');
await lambda.deleteFunction({ FunctionName }).promise();
await assert.rejects(lambda.getFunction({ FunctionName }).promise(), (e) => e.code === 'ResourceNotFoundException' && e.statusCode === 404 && /Function not found/.test(e.message));
await assert.rejects(lambda.createAlias({ FunctionName, Name: '12', FunctionVersion: '1' }).promise(), (e) => e.code === 'InvalidParameterValueException' && /1 validation error detected/.test(e.message));
console.log('v2 passed');
