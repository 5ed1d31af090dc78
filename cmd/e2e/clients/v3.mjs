// What the AWS SDK for JavaScript, version 3, expects. Run by TestSDKForJavaScript.
import assert from 'node:assert/strict';
import {
  AddPermissionCommand, CreateAliasCommand, CreateEventSourceMappingCommand, CreateFunctionCommand, DeleteFunctionCommand, GetFunctionCommand, GetPolicyCommand, InvokeCommand, LambdaClient,
  ListVersionsByFunctionCommand, PublishLayerVersionCommand, PublishVersionCommand, ResourceNotFoundException, UpdateFunctionCodeCommand, waitUntilFunctionActiveV2, waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { zip } from './zip.mjs';

const client = new LambdaClient({ endpoint: process.env.AWS_ENDPOINT_URL, maxAttempts: 1 });
const send = (command) => client.send(command);
const FunctionName = 'v3';
const code = (n) => zip('index.js', `exports.handler = async (event, context) => [${n}, context.functionVersion, context.invokedFunctionArn, event];`);
const text = (r) => JSON.parse(new TextDecoder().decode(r.Payload));

const made = await send(new CreateFunctionCommand({
  FunctionName, Runtime: 'nodejs20.x', Role: 'arn:aws:iam::000000000000:role/lambda_basic_execution', Handler: 'index.handler', Code: { ZipFile: code(1) }, Publish: true, Timeout: 10,
}));
assert.equal(made.Version, '1');
await waitUntilFunctionActiveV2({ client, maxWaitTime: 30 }, { FunctionName });
await send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: code(2) }));
await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 30 }, { FunctionName });
const two = await send(new PublishVersionCommand({ FunctionName, Description: 'two' }));
assert.equal(two.Version, '2');
const alias = await send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
let r = await send(new InvokeCommand({ FunctionName, Qualifier: 'live', Payload: JSON.stringify({ a: 'é' }), LogType: 'Tail' }));
assert.deepEqual(text(r), [1, '1', alias.AliasArn, { a: 'é' }]);
assert.equal(r.ExecutedVersion, '1');
assert.match(Buffer.from(r.LogResult, 'base64').toString(), /START RequestId: .* Version: 1/);
r = await send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: '{}' }));
assert.equal(r.StatusCode, 202);
const list = await send(new ListVersionsByFunctionCommand({ FunctionName }));
assert.deepEqual(list.Versions.map((v) => v.Version), ['$LATEST', '1', '2']);
await send(new AddPermissionCommand({ FunctionName, StatementId: 's', Action: 'lambda:InvokeFunction', Principal: 'sns.amazonaws.com' }));
assert.equal(JSON.parse((await send(new GetPolicyCommand({ FunctionName }))).Policy).Statement[0].Sid, 's');
const mapping = await send(new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/s', StartingPosition: 'LATEST' }));
assert.equal(mapping.State, 'Creating');
assert.ok(mapping.LastModified instanceof Date);
assert.equal((await send(new PublishLayerVersionCommand({ LayerName: 'v3', Content: { ZipFile: code(1) } }))).Version, 1);
await send(new DeleteFunctionCommand({ FunctionName }));
await assert.rejects(send(new GetFunctionCommand({ FunctionName })), (e) => e instanceof ResourceNotFoundException && e.name === 'ResourceNotFoundException' && e.$metadata.httpStatusCode === 404 && /Function not found/.test(e.message ?? e.Message));
console.log('v3 passed');
