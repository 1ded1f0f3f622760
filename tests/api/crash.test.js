// crash.test.js - kill -9 at every step of every job, start again: the job goes on, acknowledged points
// survive, nothing is half-made, the bytes are right.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { contentHash } from './lib/images.js';
import { COMPUTE, NETWORK, ok, RESOURCES, Setup } from './lib/flow.js';
import { binary, run, Server } from './lib/server.js';

let server, s, point, vnet;
before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
  await s.protect();
  await s.backup();
  [{ name: point }] = await s.points();
  vnet = `${s.group}/providers/Microsoft.Network/virtualNetworks/net1`;
  await ok(server, 'PUT', vnet, { version: NETWORK, body: { location: 'eastus', properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [{ name: 'default', properties: { addressPrefix: '10.0.0.0/24' } }] } } });
});
after(() => server.destroy());

// Run `act` on a server that dies at `place`, start it again, give back what act triggered.
async function dies(place, act) {
  await server.stop();
  await server.start(`${place}=kill`);
  let reply;
  try {
    reply = await act();
  } catch (e) {
    if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(e.code)) throw e;
  }
  assert.equal((await server.died()).signal, 'SIGKILL', place);
  await server.start();
  return reply;
}

const newest = async () => (await ok(server, 'GET', `${s.vault}/backupJobs`, { version: '2019-05-13' })).json.value[0].name;
const places = (kind, steps) => steps.flatMap((step) => ['before', 'unsaved', 'after'].map((at) => `${kind}/${step}/${at}`));

for (const place of places('backup', ['snapshot', 'transfer', 'publish']))
  test(`backup killed at ${place}`, async () => {
    const count = (await s.points()).length;
    const { request } = await import('./lib/http.js');
    await dies(place, () => request(server, 'POST', `${s.item}/backup`, { version: '2019-05-13', body: { properties: { objectType: 'IaasVMBackupRequest' } } }));
    await s.jobEnd(await newest());
    const points = await s.points();
    assert.equal(points.length, count + 1, 'exactly one point more');
    assert.equal(new Set(points.map((p) => p.name)).size, points.length);
  });

const pool = () => {
  const dir = `${server.dir}/regions/eastus/disks`;
  return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
};
let n = 0;
for (const place of places('restore', ['prepare', 'transfer', 'config', 'publish']))
  test(`restore of disks killed at ${place}`, async () => {
    const rg = `crash${n++}`;
    const target = `${s.sub}/resourceGroups/${rg}`;
    await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
    const files = pool().length;
    await dies(place, () => s.restore(point, 'RestoreDisks', { targetResourceGroupId: target }));
    await s.jobEnd(await newest());
    const disks = await s.disks(rg);
    assert.equal(disks.length, 3);
    assert.equal(pool().length, files + 3, 'no stray file');
    const file = (part) => disks.find((d) => d.name.includes(part)).tags['holdfast:path'];
    assert.equal(contentHash(file('-osdisk-')), contentHash(s.os, 'qcow2'));
    assert.equal(contentHash(file('-datadisk-001-')), contentHash(s.data[1]));
  });

for (const place of places('restore', ['point', 'transfer', 'publish']))
  test(`replacing disks killed at ${place}`, async () => {
    const points = (await s.points()).length;
    await dies(place, () => s.restore(point, 'OriginalLocation'));
    await s.jobEnd(await newest());
    const vm = (await ok(server, 'GET', s.vmId, { version: COMPUTE })).json.properties.storageProfile;
    assert.equal(vm.dataDisks.length, 2, 'the VM has all its disks');
    for (const d of [vm.osDisk, ...vm.dataDisks]) {
      const disk = (await ok(server, 'GET', d.managedDisk.id, { version: COMPUTE })).json;
      assert.equal(disk.managedBy, s.vmId);
      assert.ok(fs.existsSync(disk.tags['holdfast:path']));
    }
    assert.equal((await s.points()).length, points + 1, 'one pre-restore point');
  });

for (const place of places('restore', ['publish']))
  test(`a new VM killed at ${place}`, async () => {
    const rg = `crashvm${n++}`;
    const target = `${s.sub}/resourceGroups/${rg}`;
    await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
    const vmId = `${target}/providers/Microsoft.Compute/virtualMachines/again`;
    await dies(place, () => s.restore(point, 'AlternateLocation', { targetResourceGroupId: target, targetVirtualMachineId: vmId, virtualNetworkId: vnet, subnetId: `${vnet}/subnets/default` }));
    await s.jobEnd(await newest());
    const vm = (await ok(server, 'GET', vmId, { version: COMPUTE })).json.properties;
    assert.equal(vm.storageProfile.dataDisks.length, 2);
    assert.equal(vm.networkProfile.networkInterfaces.length, 1);
    const nics = (await ok(server, 'GET', `${target}/providers/Microsoft.Network/networkInterfaces`, { version: NETWORK })).json.value;
    assert.equal(nics.length, 1, 'no second network interface');
  });

for (const place of places('configure', ['apply']))
  test(`configuring killed at ${place}`, async () => {
    const { request } = await import('./lib/http.js');
    await dies(place, () => request(server, 'PUT', s.item, { version: '2019-05-13', body: { properties: { protectedItemType: 'Microsoft.Compute/virtualMachines', sourceResourceId: s.vmId, policyId: `${s.vault}/backupPolicies/EnhancedPolicy` } } }));
    await s.jobEnd(await newest());
    const item = (await ok(server, 'GET', s.item, { version: '2019-05-13' })).json.properties;
    assert.equal(item.policyName, 'EnhancedPolicy');
    assert.equal(item.protectionState, 'Protected');
  });

// last: each deletes the item's points, so each protects and backs up anew
for (const place of places('delete', ['points', 'item', 'collect']))
  test(`deleting the item killed at ${place}`, async () => {
    const { request } = await import('./lib/http.js');
    await ok(server, 'PATCH', `${s.vault}/backupconfig/vaultconfig`, { version: '2019-05-13', body: { properties: { enhancedSecurityState: 'Enabled', softDeleteFeatureState: 'Disabled' } } });
    if ((await request(server, 'GET', s.item, { version: '2019-05-13' })).status === 404) {
      await s.protect();
      await s.backup();
    }
    await dies(place, () => request(server, 'DELETE', s.item, { version: '2019-05-13' }));
    await s.jobEnd(await newest());
    assert.equal((await request(server, 'GET', s.item, { version: '2019-05-13' })).status, 404);
    const left = run(binary, ['vault', 'ls', 'vault1', '--dir', server.dir]);
    assert.equal(left.stdout, '', 'no point is left in the vault');
  });
