// az_resources.test.js - az signs in and makes what a backup needs: groups, accounts, machines.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeRaw, MiB } from '../api/lib/images.js';
import { Server } from '../api/lib/server.js';
import { Az } from './lib/az.js';

let server, az, sub;

before(async () => {
  server = await (await Server.create()).start();
  az = new Az(server, 'az-resources');
  sub = `/subscriptions/${server.subscription}`;
});
after(() => az.end());

test('cloud register, cloud set, login with the lines that quickstart prints', async () => {
  const [account] = await az.signIn();
  assert.equal(account.cloudName, 'holdfast');
  assert.equal(account.id, server.subscription);
  assert.equal(account.tenantId, server.tenant);
  assert.deepEqual(account.user, { name: server.env.HOLDFAST_CLIENT_ID, type: 'servicePrincipal' });
  assert.equal((await az.run('cloud show')).endpoints.resourceManager, `${server.url}/`);
});

test('a wrong secret is refused in words that az shows', async () => {
  const before = await az.run('account show');
  assert.match(await az.fails(`login --service-principal -u ${server.env.HOLDFAST_CLIENT_ID} -p wrong --tenant ${server.tenant}`), /AADSTS7000215/);
  assert.deepEqual(await az.run('account show'), before);
});

test('account, tenant, locations, token', async () => {
  assert.ok((await az.run('account list-locations')).some((l) => l.name === 'eastus'));
  const token = await az.run('account get-access-token');
  assert.equal(token.subscription, server.subscription);
  assert.ok(Date.parse(token.expiresOn) > Date.now());
  assert.equal((await az.run(`rest --url ${sub}?api-version=2021-04-01`)).subscriptionId, server.subscription);
});

test('group create, show, list, exists', async () => {
  const group = await az.run('group create -n rg1 -l eastus --tags team=a');
  assert.equal(group.properties.provisioningState, 'Succeeded');
  assert.deepEqual(await az.run('group show -n rg1'), group);
  assert.ok((await az.run('group list')).some((g) => g.id === group.id && g.tags.team === 'a'));
  assert.equal(await az.run('group exists -n rg1'), true);
  assert.equal(await az.run('group exists -n nothere'), false);
  assert.match(await az.fails('group show -n nothere'), /ResourceGroupNotFound.*nothere/);
});

test('storage account create, show, list, keys list', async () => {
  const made = await az.run('storage account create -g rg1 -n staging1 -l eastus --sku Standard_LRS');
  assert.equal(made.provisioningState, 'Succeeded');
  assert.equal(made.primaryEndpoints.blob, `${server.url}/staging1/`);
  assert.deepEqual(await az.run('storage account show -g rg1 -n staging1'), made);
  assert.deepEqual((await az.run('storage account list -g rg1')).map((a) => a.name), ['staging1']);
  const keys = await az.run('storage account keys list -g rg1 -n staging1');
  assert.deepEqual(keys.map((k) => k.keyName), ['key1', 'key2']);
});

const registerDisk = (name, file, more = {}) => az.run(
  `rest --method put --url ${sub}/resourceGroups/rg1/providers/Microsoft.Compute/disks/${name}?api-version=2022-07-02 --body`,
  JSON.stringify({ location: 'eastus', properties: { ...more, creationData: { createOption: 'Attach', sourceUri: `file://${file}` } } }));

test('a machine registered by az rest and by az resource create; disk show, list', async () => {
  const disks = [];
  for (const name of ['os1', 'os2'])
    disks.push(await registerDisk(name, makeRaw(path.join(server.images, `${name}.img`), 4 * MiB, name), { osType: 'Linux' }));
  assert.deepEqual((await az.run('disk list -g rg1')).map((d) => d.name), ['os1', 'os2']);
  assert.equal((await az.run('disk show -g rg1 -n os1')).diskState, 'Unattached');
  const profile = (disk) => ({ storageProfile: { osDisk: { osType: 'Linux', createOption: 'Attach', managedDisk: { id: disk.id } } } });
  const vms = `${sub}/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines`;
  const vm = await az.run(`rest --method put --url ${vms}/web1?api-version=2022-11-01 --body`,
    JSON.stringify({ location: 'eastus', properties: profile(disks[0]) }));
  assert.equal(vm.id, `${vms}/web1`);
  const second = await az.run('resource create -g rg1 -n web2 --resource-type Microsoft.Compute/virtualMachines -l eastus -p', JSON.stringify(profile(disks[1])));
  assert.equal(second.id, `${vms}/web2`);
  assert.equal((await az.run('disk show -g rg1 -n os1')).diskState, 'Reserved');
});

test('resource show, list, delete; disk delete', async () => {
  const vm = await az.run('resource show -g rg1 -n web1 --resource-type Microsoft.Compute/virtualMachines');
  assert.equal(vm.properties.storageProfile.osDisk.osType, 'Linux');
  assert.deepEqual((await az.run('resource list -g rg1')).map((r) => r.name).sort(), ['os1', 'os2', 'staging1', 'web1', 'web2']);
  assert.match(await az.fails('disk delete -y -g rg1 -n os2'), /os2/);
  await az.run('resource delete -g rg1 -n web2 --resource-type Microsoft.Compute/virtualMachines');
  await az.run('disk delete -y -g rg1 -n os2');
  assert.deepEqual((await az.run('resource list -g rg1 --resource-type Microsoft.Compute/disks')).map((r) => r.name), ['os1']);
});

test('az vm: machines are shown, started and stopped', async () => {
  assert.equal((await az.runWithModels('vm show -g rg1 -n web1')).name, 'web1');
  assert.deepEqual((await az.runWithModels('vm list -g rg1')).map((v) => v.name), ['web1']);
  await az.runWithModels('vm start -g rg1 -n web1');
  const view = await az.runWithModels('vm get-instance-view -g rg1 -n web1');
  assert.equal(view.instanceView.statuses.at(-1).code, 'PowerState/running');
  await az.runWithModels('vm deallocate -g rg1 -n web1');
});

test('tag create, update, list; disk update; vm list-skus', async () => {
  const id = `${sub}/resourceGroups/rg1`;
  await az.run(`tag create --resource-id ${id} --tags env=test team=a`);
  const merged = await az.run(`tag update --resource-id ${id} --operation Merge --tags env=prod`);
  assert.deepEqual(merged.properties.tags, { env: 'prod', team: 'a' });
  assert.deepEqual((await az.run(`tag list --resource-id ${id}`)).properties.tags, { env: 'prod', team: 'a' });
  assert.ok((await az.run('tag list')).some((t) => t.tagName === 'env' && t.values[0].tagValue === 'prod'));
  assert.equal((await az.run('disk update -g rg1 -n os1 --sku Premium_LRS --set tags.used=yes')).tags.used, 'yes');
  assert.equal((await az.run('disk show -g rg1 -n os1')).sku.name, 'Premium_LRS');
  assert.ok((await az.runWithModels('vm list-skus -l eastus --resource-type disks')).some((k) => k.name === 'Standard_LRS'));
});

test('network vnet and nsg create, show, delete', async () => {
  await az.runWithModels('network nsg create -g rg1 -n nsg1 -l eastus');
  assert.equal((await az.runWithModels('network nsg show -g rg1 -n nsg1')).provisioningState, 'Succeeded');
  await az.runWithModels('network vnet create -g rg1 -n net1 -l eastus --address-prefixes 10.0.0.0/16 --subnet-name default --subnet-prefixes 10.0.0.0/24 --nsg nsg1');
  const subnet = await az.runWithModels('network vnet subnet show -g rg1 --vnet-name net1 -n default');
  assert.match(subnet.networkSecurityGroup.id, /networkSecurityGroups\/nsg1$/);
  await az.runWithModels('network vnet delete -g rg1 -n net1');
  await az.runWithModels('network nsg delete -g rg1 -n nsg1');
  assert.deepEqual(await az.runWithModels('network nsg list -g rg1'), []);
});

test('provider show, list, register', async () => {
  const provider = await az.run('provider show -n Microsoft.RecoveryServices');
  assert.equal(provider.registrationState, 'Registered');
  assert.ok(provider.resourceTypes.some((t) => t.resourceType === 'vaults' && t.apiVersions.length > 0));
  assert.ok((await az.run('provider list')).length >= 4);
  await az.run('provider register -n Microsoft.RecoveryServices');
});

test('group delete takes what is in it', async () => {
  await az.run('group delete -y -n rg1');
  assert.equal(await az.run('group exists -n rg1'), false);
  assert.deepEqual(await az.run('disk list'), []);
});
