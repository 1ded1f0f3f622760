// deployment_sdk.test.js - deployments as the JavaScript SDK makes them: its poller, its errors, its lists.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DeploymentsClient } from '@azure/arm-resourcesdeployments';
import { NETWORK, ok, RESOURCES } from './lib/flow.js';
import { Server } from './lib/server.js';

let server, client;
before(async () => {
  server = await (await Server.create()).start();
  await ok(server, 'PUT', `/subscriptions/${server.subscription}/resourceGroups/rg1`, { version: RESOURCES, body: { location: 'eastus' } });
  const credential = { getToken: async () => ({ token: server.token(), expiresOnTimestamp: Date.now() + 3600e3 }) };
  client = new DeploymentsClient(credential, server.subscription, { endpoint: server.url, additionalPolicies: [{ position: 'perCall',
    policy: { name: 'trust', sendRequest(request, next) {
      request.tlsSettings = { ca: server.ca };
      return next(request);
    } } }] });
});
after(() => server.destroy());

const all = async (pages) => {
  const rows = [];
  for await (const row of pages) rows.push(row);
  return rows;
};
const deployment = (prefix) => ({ properties: { mode: 'Incremental', parameters: { prefix: { value: prefix } }, template: {
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#', contentVersion: '1.0.0.0',
  parameters: { prefix: { type: 'string' } },
  resources: [{ type: 'Microsoft.Network/virtualNetworks', apiVersion: NETWORK, name: 'net', location: '[resourceGroup().location]',
    properties: { addressSpace: { addressPrefixes: ["[parameters('prefix')]"] }, subnets: [] } }],
  outputs: { net: { type: 'string', value: "[resourceId('Microsoft.Network/virtualNetworks', 'net')]" } } } } });

test('validate, create by the poller, read, list, operations, delete', async () => {
  const checked = await client.deployments.validate('rg1', 'one', deployment('10.0.0.0/16'));
  assert.equal(checked.properties.provisioningState, 'Succeeded');
  const made = await client.deployments.createOrUpdate('rg1', 'one', deployment('10.0.0.0/16'));
  assert.equal(made.properties.provisioningState, 'Succeeded');
  assert.equal(made.properties.outputs.net.value, made.properties.outputResources[0].id);
  assert.ok((await client.deployments.get('rg1', 'one')).properties.timestamp instanceof Date);
  assert.deepEqual((await all(client.deployments.listByResourceGroup('rg1'))).map((d) => d.name), ['one']);
  const [operation] = await all(client.deploymentOperations.list('rg1', 'one'));
  assert.equal(operation.properties.targetResource.resourceName, 'net');
  assert.equal((await client.deploymentOperations.get('rg1', 'one', operation.operationId)).id, operation.id);
  assert.equal((await client.deployments.checkExistence('rg1', 'one')).body, true);
  await client.deployments.delete('rg1', 'one');
  assert.equal((await client.deployments.checkExistence('rg1', 'one')).body, false);
});

test('what fails reaches the caller', async () => {
  await assert.rejects(client.deployments.createOrUpdate('rg1', 'bad', deployment('everywhere')), (e) => {
    assert.match(e.message, /DeploymentFailed/);
    assert.match(e.message, /virtualNetworks\/net.*everywhere/);
    return true;
  });
  assert.equal((await client.deployments.get('rg1', 'bad')).properties.error.details[0].code, 'InvalidAddressPrefixFormat');
  const wrong = deployment('10.0.0.0/16');
  wrong.properties.template.variables = { v: '[nowhere()]' };
  await assert.rejects(client.deployments.createOrUpdate('rg1', 'worse', wrong), (e) => e.code === 'InvalidTemplate' && e.message.includes('nowhere'));
  await assert.rejects(client.deployments.validate('rg1', 'worse', wrong));	// its poller drops code and message
});
