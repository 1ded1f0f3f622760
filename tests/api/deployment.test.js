// deployment.test.js - templates: the one that RestoreDisks writes makes the VM again; what az vm create
// sends; links, outputs, loops, failures half-way, refusals.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { contentHash } from './lib/images.js';
import { COMPUTE, NETWORK, ok, RESOURCES, Setup, V } from './lib/flow.js';
import { Server } from './lib/server.js';

const SCHEMA = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';
let server, s, vnet, target, template, blobUrl;

const deploymentId = (group, name) => `${group}/providers/Microsoft.Resources/deployments/${name}`;
const call = (method, group, name, properties, more = '') => request(server, method, `${deploymentId(group, name)}${more}`,
  { version: RESOURCES, body: properties && { properties: { mode: 'Incremental', ...properties } } });
const put = (name, properties, group = target) => call('PUT', group, name, properties);
const plain = (resources, more = {}) => ({ $schema: SCHEMA, contentVersion: '1.0.0.0', resources, ...more });
const values = (o) => Object.fromEntries(Object.entries(o).map(([k, value]) => [k, { value }]));

const refused = async (reply, code, pattern, status = 400) => {
  const r = await reply;
  assert.equal(r.status, status, r.text);
  assert.equal(r.json.error.code, code, r.text);
  assert.match(r.json.error.message, pattern);
};

const subnet = { name: 'default', properties: { addressPrefix: '10.1.0.0/24' } };
const network = (name, more = {}) => ({ type: 'Microsoft.Network/virtualNetworks', apiVersion: NETWORK, name, location: 'eastus',
  properties: { addressSpace: { addressPrefixes: ['10.1.0.0/16'] }, subnets: [subnet] }, ...more });

before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
  target = `${s.sub}/resourceGroups/back`;
  vnet = `${s.group}/providers/Microsoft.Network/virtualNetworks/net1`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus', tags: { team: 'a' } } });
  await ok(server, 'PUT', vnet, { version: NETWORK, body: { location: 'eastus', properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [{ name: 'sub1', properties: { addressPrefix: '10.0.0.0/24' } }] } } });
  await s.protect();
  await s.backup();
  const [point] = await s.points();
  const job = await s.restored(point.name, 'RestoreDisks', { targetResourceGroupId: target });
  const bag = job.properties.extendedInfo.propertyBag;
  blobUrl = bag['Template Blob Uri'] ?? `${server.url}/${s.account}/${bag['Config Blob Container Name']}/${bag['Template Blob Uri']}`;
  const r = await ok(server, 'GET', blobUrl);
  template = JSON.parse(r.text);
});
after(() => server.destroy());

const given = () => values({ VirtualMachineName: 'vm1back', VirtualNetwork: 'net1', VirtualNetworkResourceGroup: 'rg1', Subnet: 'sub1' });

test('the template that RestoreDisks wrote makes the VM, and the VM can be protected again', async () => {
  const checked = await call('POST', target, 'again', { template, parameters: given() }, '/validate');
  assert.equal(checked.status, 200, checked.text);
  assert.equal(checked.json.properties.validatedResources.length, 2);
  assert.equal((await call('HEAD', target, 'again')).status, 404, 'validate makes nothing');

  const r = await put('again', { template, parameters: given() });
  assert.equal(r.status, 201, r.text);
  assert.equal(r.json.properties.provisioningState, 'Succeeded', r.text);
  assert.equal((await ok(server, 'GET', r.headers['azure-asyncoperation'])).json.status, 'Succeeded');

  const vmId = `${target}/providers/Microsoft.Compute/virtualMachines/vm1back`;
  const vm = (await ok(server, 'GET', vmId, { version: COMPUTE })).json;
  const restored = await s.disks('back');
  assert.equal(restored.length, 3);
  assert.ok(restored.every((d) => d.managedBy === vmId), 'every restored disk is attached');
  const os = restored.find((d) => d.id === vm.properties.storageProfile.osDisk.managedDisk.id);
  assert.equal(contentHash(os.tags['holdfast:path']), contentHash(s.os, 'qcow2'));
  assert.deepEqual(vm.properties.storageProfile.dataDisks.map((d) => d.lun), [0, 1]);
  const nic = (await ok(server, 'GET', vm.properties.networkProfile.networkInterfaces[0].id, { version: NETWORK })).json;
  assert.equal(nic.properties.ipConfigurations[0].properties.subnet.id, `${vnet}/subnets/sub1`);
  assert.equal(nic.properties.virtualMachine.id, vmId);

  const back = Object.assign(Object.create(Object.getPrototypeOf(s)), s, { name: 'vm1back', vmId,
    item: s.item.replaceAll(';rg1;vm1', ';back;vm1back') });
  await back.protect();
  await back.backup();
  assert.equal((await back.points()).length, 1);
});

test('an interface belongs to one VM, and is let go with its name', async () => {
  const vmId = `${target}/providers/Microsoft.Compute/virtualMachines/vm1back`;
  const vm = (await ok(server, 'GET', vmId, { version: COMPUTE })).json;
  const nicId = vm.properties.networkProfile.networkInterfaces[0].id;
  const nic = async () => (await ok(server, 'GET', nicId, { version: NETWORK })).json.properties.virtualMachine;
  const thief = { location: 'eastus', properties: { ...s.vmBody().properties, networkProfile: vm.properties.networkProfile } };
  await refused(request(server, 'PUT', s.vmId, { version: COMPUTE, body: thief }), 'NicInUse', /vm1back/);
  await refused(request(server, 'DELETE', nicId, { version: NETWORK }), 'NicInUse', /vm1back/);
  const body = { location: vm.location, properties: { ...vm.properties, networkProfile: { networkInterfaces: [] } } };
  await ok(server, 'PUT', vmId, { version: COMPUTE, body });
  assert.equal(await nic(), undefined);
  await ok(server, 'PUT', vmId, { version: COMPUTE, body: { ...body, properties: vm.properties } });
  assert.equal((await nic()).id, vmId);
});

test('a deployment is read, listed, put again and deleted; what it made stays', async () => {
  const { json } = await ok(server, 'GET', deploymentId(target, 'again'), { version: RESOURCES });
  assert.equal(json.type, 'Microsoft.Resources/deployments');
  assert.equal(json.properties.parameters.VirtualMachineName.value, 'vm1back');
  assert.equal(json.properties.outputResources.length, 2);
  assert.equal(json.properties.dependencies[0].dependsOn[0].resourceType, 'Microsoft.Network/networkInterfaces');
  assert.equal((await call('HEAD', target, 'again')).status, 204);
  const { value } = (await call('GET', target, 'again', undefined, '/operations')).json;
  assert.deepEqual(value.map((o) => o.properties.targetResource.resourceType), ['Microsoft.Network/networkInterfaces', 'Microsoft.Compute/virtualMachines']);
  assert.equal((await ok(server, 'GET', value[0].id, { version: RESOURCES })).json.operationId, value[0].operationId);
  const again = await put('AGAIN', { template, parameters: given() });
  assert.equal(again.status, 200, again.text);
  assert.equal(again.json.name, 'again', 'the casing given first stays');
  const list = (await ok(server, 'GET', deploymentId(target, '').slice(0, -1), { version: RESOURCES })).json.value;
  assert.deepEqual(list.map((d) => d.name), ['again']);
  const resources = (await ok(server, 'GET', `${target}/resources`, { version: RESOURCES })).json.value;
  assert.ok(!resources.some((x) => x.type.endsWith('deployments')), 'it is no resource of the group');
  await refused(call('POST', target, 'again', undefined, '/cancel'), 'DeploymentCannotBeCancelled', /again/, 409);
  assert.equal((await call('DELETE', target, 'again')).status, 204);
  await refused(call('GET', target, 'again'), 'DeploymentNotFound', /again/, 404);
  assert.equal((await ok(server, 'GET', `${target}/providers/Microsoft.Compute/virtualMachines/vm1back`, { version: COMPUTE })).status, 200);
});

test('template by link to its blob, with the rights of the caller', async () => {
  const r = await put('linked', { templateLink: { uri: `${blobUrl}?note=hush`, queryString: 'more=hush' }, parameters: given() });
  assert.equal(r.json.properties?.provisioningState, 'Succeeded', r.text);
  assert.deepEqual(r.json.properties.templateLink, { uri: blobUrl }, 'a query may be a signature');
  await refused(put('no', { templateLink: { uri: blobUrl.replace('azuredeploy', 'nothing') } }), 'InvalidContentLink', /BlobNotFound/);
  for (const uri of ['https://example.org/t.json', 'http://localhost/t.json', `${server.url}/subscriptions`, `${server.url.replace(/\d+$/, '1')}/a/b/c`, `${server.url}@example.org/a/b`])
    await refused(put('no', { templateLink: { uri } }), 'InvalidContentLink', new RegExp(uri.replaceAll('.', '\\.')));
  await refused(put('no', { template, templateLink: { uri: blobUrl } }), 'InvalidRequestContent', /template and templateLink/);
});

test('what az vm create sends: literal names, a new network and interface, an attached OS disk', async () => {
  const disk = `${s.group}/providers/Microsoft.Compute/disks/spare`;
  await ok(server, 'PUT', disk, { version: COMPUTE, body: { location: 'eastus', properties: { osType: 'Linux', creationData: { createOption: 'Import', sourceUri: `file://${s.data[0]}` } } } });
  const nic = `${s.group}/providers/Microsoft.Network/networkInterfaces/azVMNic`;
  const r = await put('vm_deploy_1', { template: plain([
    { apiVersion: '2015-06-15', type: 'Microsoft.Network/networkInterfaces', name: 'azVMNic', location: 'eastus', tags: {}, dependsOn: ['Microsoft.Network/virtualNetworks/azVNET'],
      properties: { ipConfigurations: [{ name: 'ipconfigaz', properties: { privateIPAllocationMethod: 'Dynamic', subnet: { id: `${s.group}/providers/Microsoft.Network/virtualNetworks/azVNET/subnets/default` } } }] } },
    { apiVersion: '2022-11-01', type: 'Microsoft.Compute/virtualMachines', name: 'az', location: 'eastus', tags: {}, dependsOn: ['Microsoft.Network/networkInterfaces/azVMNic'],
      properties: { hardwareProfile: { vmSize: 'Standard_DS1_v2' }, osProfile: { computerName: 'az', adminPassword: 'psst' }, networkProfile: { networkInterfaces: [{ id: nic, properties: { deleteOption: null } }] },
        storageProfile: { osDisk: { createOption: 'attach', caching: null, osType: 'linux', managedDisk: { id: disk } } } } },
    network('azVNET', { dependsOn: [] })], { parameters: {}, variables: {}, outputs: {} }), parameters: {} }, s.group);
  assert.equal(r.json.properties?.provisioningState, 'Succeeded', r.text);
  const vm = (await ok(server, 'GET', `${s.group}/providers/Microsoft.Compute/virtualMachines/az`, { version: COMPUTE })).json;
  assert.equal(vm.properties.networkProfile.networkInterfaces[0].id, nic);
  assert.equal(vm.properties.storageProfile.osDisk.osType, 'Linux');
  assert.deepEqual(vm.properties.osProfile, { computerName: 'az' }, 'a password is not shown again');
  assert.equal((await ok(server, 'GET', disk, { version: COMPUTE })).json.managedBy, vm.id);
});

test("az's own way to send a template: its text as it is in the file, with comments", async () => {
  const text = `{"properties": {"mode": "Incremental", "parameters": {}, template: // from a file
    {"$schema": "${SCHEMA}", /* none */ "contentVersion": "1.0.0.0", "resources": [],}}}`;
  const r = await request(server, 'PUT', deploymentId(target, 'text'), { version: RESOURCES, body: text, headers: { 'content-type': 'application/json' } });
  assert.equal(r.status, 201, r.text);
  const ops = await ok(server, 'GET', `${target}/deployments/text/operations`, { version: RESOURCES });
  assert.deepEqual(ops.json.value, []);
  await refused(request(server, 'PUT', deploymentId(target, 'text'), { version: RESOURCES, body: `${text} x` }), 'InvalidRequestContent', /JSON line/);
});

test('parameters, loops, conditions, reference() and outputs', async () => {
  const r = await put('loops', { parameters: values({ count: 2, secret: 'hush-hush' }), template: plain([
    network("[concat(parameters('prefix'), copyIndex(1))]", { copy: { name: 'nets', count: "[parameters('count')]" }, tags: "[resourceGroup().tags]" }),
    network('never', { condition: false }),
    { type: 'Microsoft.Network/networkInterfaces', apiVersion: NETWORK, name: 'loopnic', location: '[resourceGroup().location]', dependsOn: ['nets'],
      properties: { ipConfigurations: [{ name: 'a', properties: { subnet: { id: "[reference('loop2').subnets[0].id]" } } }] } },
  ], { parameters: { count: { type: 'int' }, secret: { type: 'secureString' }, prefix: { type: 'string', defaultValue: 'loop' } },
    outputs: { where: { type: 'string', value: "[reference(resourceId('Microsoft.Network/networkInterfaces', 'loopnic'), '2022-07-01').ipConfigurations[0].properties.subnet.id]" },
      who: { type: 'string', value: '[subscription().subscriptionId]' } } }) });
  assert.equal(r.json.properties?.provisioningState, 'Succeeded', r.text);
  assert.equal(r.json.properties.outputs.where.value, `${target}/providers/Microsoft.Network/virtualNetworks/loop2/subnets/default`);
  assert.equal(r.json.properties.outputs.who.value, server.subscription);
  assert.ok(!r.text.includes('hush') && !server.log().includes('hush-hush'), 'a secure value is told nowhere');
  assert.equal((await ok(server, 'GET', `${target}/providers/Microsoft.Network/virtualNetworks/loop1`, { version: NETWORK })).json.tags.team, 'a');
  assert.equal((await request(server, 'GET', `${target}/providers/Microsoft.Network/virtualNetworks/never`, { version: NETWORK })).status, 404);
});

test('a resource that fails is named; what came before it stays', async () => {
  const r = await put('half', { template: plain([network('first'),
    { type: 'Microsoft.Compute/virtualMachines', apiVersion: COMPUTE, name: 'novm', location: 'eastus', dependsOn: ['first'],
      properties: { storageProfile: { osDisk: { managedDisk: { id: "[resourceId('Microsoft.Compute/disks', 'nodisk')]" } } } } },
    network('after', { dependsOn: ['novm'] })]) });
  assert.equal(r.json.properties.provisioningState, 'Failed', r.text);
  const { error } = (await ok(server, 'GET', r.headers['azure-asyncoperation'])).json;
  assert.equal(error.code, 'DeploymentFailed');
  assert.match(error.message, /virtualMachines\/novm/);
  assert.match(error.details[0].message, /nodisk/);
  assert.equal((await call('GET', target, 'half')).json.properties.error.details[0].target, `${target}/providers/Microsoft.Compute/virtualMachines/novm`);
  const ops = (await call('GET', target, 'half', undefined, '/operations')).json.value;
  assert.deepEqual(ops.map((o) => [o.properties.provisioningState, o.properties.statusCode]), [['Succeeded', 201], ['Failed', 404]]);
  assert.equal((await ok(server, 'GET', `${target}/providers/Microsoft.Network/virtualNetworks/first`, { version: NETWORK })).status, 200);
  assert.equal((await request(server, 'GET', `${target}/providers/Microsoft.Network/virtualNetworks/after`, { version: NETWORK })).status, 404);
});

test('reference() asks for resources only, and not without end', async () => {
  const output = async (value) => {
    const r = await put('looks', { template: plain([], { outputs: { v: { type: 'object', value } } }) });
    assert.equal(r.json.properties.error?.code, 'DeploymentOutputEvaluationFailed', r.text);
    return r.json.properties.error.message;
  };
  assert.match(await output(`[reference('/${s.account}/some/blob', '${COMPUTE}')]`), /outputs\.v: function 'reference': '.*blob' is no resource's id/);
  assert.match(await output(`[reference('${s.vmId}none', '${COMPUTE}')]`), /vm1none.*ResourceNotFound/);
  const many = (name) => ({ name, count: 800, input: `[reference('${vnet}', '${NETWORK}').addressSpace]` });
  assert.match(await output({ copy: [many('a'), many('b')] }), /copy 'b', element 200.*more than 1000 times/);
});

test('mistakes are refused with their place before anything is made', async () => {
  const bad = (more, parameters) => put('bad', { template: plain([network('badnet')], more), parameters });
  await refused(bad({ variables: { v: "[nothing('x')]" } }), 'InvalidTemplate', /variables\.v: function 'nothing'/);
  await refused(bad({ parameters: { p: { type: 'int' } } }, values({ p: 'x' })), 'InvalidTemplate', /parameters\.p/);
  await refused(bad({ resources: [network('badnet'), network("[toUpper(1)]")] }), 'InvalidTemplate', /resources\[1\]\.name: function 'toUpper'/);
  await refused(bad({ resources: [network('badnet'), { type: 'Microsoft.Web/sites', apiVersion: RESOURCES, name: 'w' }] }), 'InvalidTemplate', /Microsoft\.Web\/sites.*not served here/);
  await refused(bad({ resources: [network('badnet'), { type: 'Microsoft.Resources/deployments', apiVersion: RESOURCES, name: 'w' }] }), 'InvalidTemplate', /nested/);
  for (const [type, name] of [['Microsoft.Resources//deployments', '/w'], ['Microsoft.Resources/deployments/', 'w/']])
    await refused(bad({ resources: [{ type, apiVersion: RESOURCES, name, properties: { mode: 'Incremental', template: plain([]) } }] }), 'InvalidTemplate', /empty segment/);
  await refused(bad({ resources: [network('badnet', { apiVersion: 'soon' })] }), 'NoRegisteredProviderFound', /soon/);
  await refused(put('bad', { mode: 'Complete', template: plain([]) }), 'InvalidDeploymentMode', /Complete/);
  await refused(put('bad', {}), 'InvalidRequestContent', /template or templateLink/);
  await refused(put('bad', { template, parameters: {} }), 'InvalidTemplate', /VirtualMachineName/);
  await refused(call('POST', target, 'bad', { template: plain([]) }, '/whatIf'), 'NotSupported', /bad/);
  await refused(put('bad', { template: plain([]) }, `${s.sub}/resourceGroups/none`), 'ResourceGroupNotFound', /none/, 404);
  assert.equal((await request(server, 'GET', `${target}/providers/Microsoft.Network/virtualNetworks/badnet`, { version: NETWORK })).status, 404);
  await refused(call('GET', target, 'bad'), 'DeploymentNotFound', /bad/, 404);
});

test('of one name, one deployment runs at a time', async () => {
  const many = plain([{ ...network("[concat('busy', copyIndex())]"), copy: { name: 'all', count: 150 } }]);
  const replies = await Promise.all(['busy', 'BUSY', 'busy'].map((name) => put(name, { template: many })));
  const active = replies.filter((r) => r.status === 409);
  assert.ok(active.length >= 1, replies.map((r) => r.status).join());
  for (const r of active) assert.equal(r.json.error.code, 'DeploymentActive', r.text);
  assert.equal((await put('busy', { template: many })).status, 200, 'and the next one can');
});
