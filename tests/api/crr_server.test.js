// crr_server.test.js - cross-region restore with a server in each region: the second region's brings a
// virtual machine back when nothing is left of the first but what lies in the second one's store.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { SecondRegion } from './lib/crr.js';
import { COMPUTE, CRR, ok, RESOURCES, Setup, V } from './lib/flow.js';
import { request } from './lib/http.js';
import { contentHash } from './lib/images.js';
import { binary, run, Server } from './lib/server.js';

let a, b, s, west, point, hashes, group;

const refused = async (r, code, pattern, status = 400) => {
  r = await r;
  assert.equal(r.status, status, r.text);
  assert.equal(r.json.error.code, code, r.text);
  assert.match(r.json.error.message, pattern);
};

function exported(server, name, ...options) {
  const file = path.join(server.root, `${name}.json`);
  fs.writeFileSync(file, run(binary, ['region', 'export', server.dir, name, ...options]).stdout, { mode: 0o600 });
  return file;
}

before(async () => {
  a = await Server.create();
  b = await Server.create({ init: ['--pair', exported(a, 'eastus', '--with-secrets')] });
  const conf = path.join(a.dir, 'holdfast.conf');
  fs.writeFileSync(conf, `${fs.readFileSync(conf, 'utf8').replace(/\n\[region westus\]\n[^[]*/, '\n')}
[region westus]\nserver = ${b.url}\nstore = ${path.join(b.dir, 'regions/westus')}\n`);
  run(binary, ['region', 'import', a.dir, exported(b, 'westus')]);
  await a.start();
  await b.start();
  s = await Setup.create(a);
  await s.protect();
  await ok(a, 'PATCH', `${s.vault}/backupstorageconfig/vaultstorageconfig`, { version: V, body: { properties: { crossRegionRestoreFlag: true } } });
  await s.backup();
  [{ name: point }] = await s.points();
  hashes = [contentHash(s.os, 'qcow2'), ...s.data.map((f) => contentHash(f))];
  west = await SecondRegion.create(s, { server: b });
  group = `${s.sub}/resourceGroups/back`;
  await ok(b, 'PUT', group, { version: RESOURCES, body: { location: 'westus' } });
});
after(async () => {
  await a.destroy();
  await b.destroy();
});

const restoredHashes = async (where) => {
  const disks = (await ok(b, 'GET', `${where}/providers/Microsoft.Compute/disks`, { version: COMPUTE })).json.value;
  return disks.map((d) => [d.name.replace(/-\d{8}-\d{6}$/, ''), contentHash(d.tags['holdfast:path'])]).sort();
};
const wanted = () => [['vm1-datadisk-000', hashes[1]], ['vm1-datadisk-001', hashes[2]], ['vm1-osdisk', hashes[0]]];

test('the second region\'s server shows what it has neither vault nor group of', async () => {
  await west.arrived(point);
  const [item] = (await west.call('GET', `${s.vault}/backupProtectedItems/`, CRR)).json.value;
  assert.equal(item.id, s.item);
  assert.equal(item.properties.healthStatus, 'Passed');
  assert.deepEqual((await west.points()).map((p) => p.id), [`${s.item}/recoveryPoints/${point}`]);
  assert.equal((await west.call('GET', `${s.vault}/backupstorageconfig/vaultstorageconfig`, CRR)).json.properties.crossRegionRestoreFlag, true);
});

// as clients do that ask for the second region: its name hangs on the vault's location
test('the vault itself is read there in any api-version, and not written', async () => {
  for (const version of ['2022-10-01', V, CRR]) {
    const vault = (await west.call('GET', s.vault, version)).json;
    assert.equal(vault.location, 'eastus');
    assert.equal(vault.id, s.vault);
    await west.call('GET', `${s.vault}/backupEncryptionConfigs/backupResourceEncryptionConfig`, version);
  }
  await refused(request(b, 'PATCH', s.vault, { version: '2022-10-01', body: { tags: {} } }), 'ResourceGroupNotFound', /A copy of vault 'vault1' in region 'westus'/, 404);
});

test('asked in another way, it says where the copy is', async () => {
  const pointer = /A copy of vault 'vault1' in region 'westus' can be read with api-version 2018-12-20, 2021-11-15 or 2023-01-15\.$/;
  await refused(request(b, 'GET', `${s.item}/recoveryPoints`, { version: V }), 'ResourceGroupNotFound', pointer, 404);
  await refused(request(b, 'POST', `${s.item}/backup`, { version: V }), 'ResourceGroupNotFound', pointer, 404);
  // what would change the vault is not for its copy, whatever the version
  await refused(request(b, 'DELETE', s.item, { version: west.version }), 'ResourceGroupNotFound', pointer, 404);
  await ok(b, 'PUT', s.group, { version: RESOURCES, body: { location: 'westus' } });
  await refused(request(b, 'GET', `${s.item}/recoveryPoints`, { version: V }), 'ResourceNotFound', pointer, 404);
  assert.equal((await west.points()).length, 1);
  await refused(request(b, 'GET', s.vault.replace('vault1', 'none'), { version: west.version }), 'ResourceNotFound', /ARMResourceNotFoundFix$/, 404);
});

test('the first region\'s server points to the second for what is done there', async () => {
  const there = new RegExp(`region 'westus' is served by ${b.url}: send the request there`);
  for (const [method, call, body] of [['GET', 'backupAadProperties'], ['POST', 'backupCrossRegionRestore', {}], ['POST', 'backupCrrJobs', { resourceId: s.vault }], ['GET', 'backupCrrOperationsStatus/eA==']])
    await refused(request(a, method, `${west.location}/${call}`, { version: west.version, body }), 'LocationNotAvailableForResourceType', there);
});

test('a token that the first region\'s server gave out is good in the second', async () => {
  const r = await request(a, 'POST', `${s.item}/recoveryPoints/${point}/accessToken`, { version: west.version, body: await west.aad() });
  assert.equal(r.status, 200, r.text);
  await west.restored(point, 'RestoreDisks', { targetResourceGroupId: west.group, restoreDiskLunList: [] }, r.json.properties);
  assert.deepEqual(await restoredHashes(west.group), wanted().slice(2));
});

test('with the first region gone, the second brings the virtual machine back', async () => {
  await a.destroy();
  await b.stop();
  await b.start();	// and knows nothing from before
  const job = await west.restored(point, 'RestoreDisks', { targetResourceGroupId: group });
  assert.equal(job.properties.extendedInfo.propertyBag['Vault name'], 'vault1');
  assert.deepEqual(await restoredHashes(group), wanted());
  const vm = `${west.group}/providers/Microsoft.Compute/virtualMachines/vm1`;
  await west.restored(point, 'AlternateLocation', { targetVirtualMachineId: vm, targetResourceGroupId: west.group,
    virtualNetworkId: west.vnetId, subnetId: `${west.vnetId}/subnets/default` });
  const { storageProfile } = (await ok(b, 'GET', vm, { version: COMPUTE })).json.properties;
  assert.deepEqual(storageProfile.dataDisks.map((d) => d.lun), [0, 1]);
  assert.equal((await west.jobs()).length, 3);
});
