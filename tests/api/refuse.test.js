// refuse.test.js - bad input: each gets its status, a code and a message that names the id or the
// JSON path, and leaves nothing half-made.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { makeRaw, MiB } from './lib/images.js';
import { COMPUTE, NETWORK, ok, RESOURCES, Setup, STORAGE, V } from './lib/flow.js';
import { patience, Server, sleep } from './lib/server.js';

let server, s, point;
before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
  await s.protect();
  await s.backup();
  [{ name: point }] = await s.points();
});
after(() => server.destroy());

const refused = async (r, code, pattern, status = 400) => {
  r = await r;
  assert.equal(r.status, status, r.text);
  if (code) assert.equal(r.json.error.code, code, r.text);
  assert.match(r.json.error.message, pattern);
};

const disk = (name, creationData, more = {}) => request(server, 'PUT', s.diskId(name), { version: COMPUTE,
  body: { location: 'eastus', properties: { creationData, ...more } } });
const uri = (file) => ({ createOption: 'Attach', sourceUri: `file://${file}` });

test('images: outside the allowed directories, by symlink, absent, not a file', async () => {
  const outside = makeRaw(path.join(server.root, 'outside.img'), MiB, 'outside');
  fs.symlinkSync(outside, path.join(server.images, 'link.img'));
  fs.symlinkSync(server.root, path.join(server.images, 'dir'));
  for (const file of [outside, path.join(server.images, 'link.img'), path.join(server.images, 'dir/outside.img'), `${server.images}/../../outside.img`, '/etc/passwd'])
    await refused(disk('bad', uri(file)), undefined, /sourceUri.*(outside|passwd)/);
  await refused(disk('bad', uri(path.join(server.images, 'none.img'))), undefined, /none\.img/);
  await refused(disk('bad', uri(server.images)), undefined, /images/);
  await refused(disk('bad', { createOption: 'Attach', sourceUri: 'https://x/y' }), undefined, /sourceUri/);
  await refused(disk('bad', { createOption: 'Attach' }), undefined, /properties\.creationData\.sourceUri/);
  await refused(disk('bad', { createOption: 'FromImage' }), undefined, /FromImage/);
  assert.equal((await request(server, 'GET', s.diskId('bad'), { version: COMPUTE })).status, 404);
});

test('images: qcow2 that names other files', async () => {
  const { run } = await import('./lib/server.js');
  const base = makeRaw(path.join(server.images, 'base.img'), MiB, 'base');
  const overlay = path.join(server.images, 'overlay.qcow2');
  run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', overlay]);
  await refused(disk('bad', uri(overlay)), undefined, /backing/);
});

test('a raw image that looks like qcow2 inside is still raw', async () => {
  // the guest wrote a qcow2 header into its raw disk after it was registered
  const file = path.join(server.images, 'sly.img');
  makeRaw(file, 2 * MiB, 'sly');
  await ok(server, 'PUT', s.diskId('sly'), { version: COMPUTE, body: { location: 'eastus', properties: { creationData: uri(file) } } });
  const vm = `${s.group}/providers/Microsoft.Compute/virtualMachines/sly`;
  await ok(server, 'PUT', vm, { version: COMPUTE, body: { location: 'eastus', properties: { storageProfile: { osDisk: { osType: 'Linux', managedDisk: { id: s.diskId('sly') } } } } } });
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, fs.readFileSync(s.os).subarray(0, 512), 0, 512, 0);
  fs.closeSync(fd);
  const sly = Object.assign(Object.create(Object.getPrototypeOf(s)), s, { name: 'sly', vmId: vm,
    item: s.item.replaceAll(';vm1', ';sly') });
  await sly.protect();
  await sly.backup();
  const target = `${s.sub}/resourceGroups/slyback`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  const [p] = await sly.points();
  await sly.restored(p.name, 'RestoreDisks', { targetResourceGroupId: target });
  const [back] = await s.disks('slyback');
  assert.deepEqual(fs.readFileSync(back.tags['holdfast:path']), fs.readFileSync(file));
});

test('import copies; two disks cannot share an image', async () => {
  await refused(disk('twice', uri(s.data[0])), undefined, /vm1-data0/, 409);
  const r = await ok(server, 'PUT', s.diskId('copy'), { version: COMPUTE, body: { location: 'eastus', properties: { creationData: { createOption: 'Import', sourceUri: `file://${s.data[0]}` } } } });
  const copy = r.json.tags['holdfast:path'];
  assert.notEqual(copy, s.data[0]);
  assert.deepEqual(fs.readFileSync(copy), fs.readFileSync(s.data[0]));
  assert.equal((await request(server, 'DELETE', s.diskId('copy'), { version: COMPUTE })).status, 200);
  assert.ok(!fs.existsSync(copy), 'an imported image goes with its disk');
});

test('virtual machines: disks that do not fit', async () => {
  const vm = (storageProfile) => request(server, 'PUT', `${s.group}/providers/Microsoft.Compute/virtualMachines/bad`, { version: COMPUTE, body: { location: 'eastus', properties: { storageProfile } } });
  await refused(vm({}), undefined, /properties\.storageProfile\.osDisk/);
  await refused(vm({ osDisk: { managedDisk: { id: s.diskId('none') } } }), undefined, /none/, 404);
  await refused(vm({ osDisk: { managedDisk: { id: s.diskId('vm1-os') } } }), undefined, /attached to VM/, 409);
  await refused(vm({ osDisk: 7 }), undefined, /osDisk: expected an object/);
  await refused(request(server, 'PUT', s.vmId, { version: COMPUTE, body: { location: 'atlantis', properties: s.vmBody().properties } }), 'LocationNotAvailableForResourceType', /atlantis/);
});

test('a disk in use cannot be deleted; a registered image stays when its disk goes', async () => {
  await refused(request(server, 'DELETE', s.diskId('vm1-data0'), { version: COMPUTE }), 'OperationNotAllowed', /vm1-data0/, 409);
  const file = makeRaw(path.join(server.images, 'loose.img'), MiB, 'loose');
  await ok(server, 'PUT', s.diskId('loose'), { version: COMPUTE, body: { location: 'eastus', properties: { creationData: uri(file) } } });
  assert.equal((await request(server, 'DELETE', s.diskId('loose'), { version: COMPUTE })).status, 200);
  assert.ok(fs.existsSync(file));
});

test('protection: VM absent, in another region, policy absent, LUN absent', async () => {
  const put = (item, properties) => request(server, 'PUT', item, { version: V, body: { properties: { protectedItemType: 'Microsoft.Compute/virtualMachines', sourceResourceId: s.vmId, policyId: `${s.vault}/backupPolicies/DefaultPolicy`, ...properties } } });
  const none = s.item.replaceAll(';vm1', ';ghost');
  const r = await put(none, { sourceResourceId: s.vmId.replace('vm1', 'ghost') });
  assert.ok(r.status === 404 || r.status === 400, r.text);
  assert.match(r.json.error.message, /ghost/);
  assert.equal((await request(server, 'GET', none, { version: V })).status, 404);
  await refused(put(s.item, { policyId: `${s.vault}/backupPolicies/ghost` }), undefined, /ghost/);
  await refused(put(s.item, { extendedProperties: { diskExclusionProperties: { diskLunList: [7], isInclusionList: true } } }), undefined, /7/);
  await refused(put(s.item, { extendedProperties: { diskExclusionProperties: { diskLunList: 'x', isInclusionList: true } } }), undefined, /properties\.extendedProperties\.diskExclusionProperties\.diskLunList/);
  await refused(put(s.item, { policyId: 5 }), undefined, /properties\.policyId/);
  await refused(put(s.item, { sourceResourceId: s.diskId('vm1-os') }), undefined, /sourceResourceId|virtualMachines/);
});

test('restores: what does not exist or does not fit', async () => {
  const target = `${s.sub}/resourceGroups/refused`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  const to = { targetResourceGroupId: target };
  await refused(s.restore('999999999999999', 'RestoreDisks', to), undefined, /999999999999999/, (await s.restore('999999999999999', 'RestoreDisks', to)).status);
  await refused(s.restore(point, 'RestoreDisks', { ...to, recoveryPointId: '111111111111111' }), undefined, /111111111111111/);
  await refused(s.restore(point, 'RestoreDisks', { ...to, restoreDiskLunList: [9] }), undefined, /restoreDiskLunList.*9|9.*restoreDiskLunList/);
  await refused(s.restore(point, 'RestoreDisks', { ...to, restoreDiskLunList: 'all' }), undefined, /properties\.restoreDiskLunList/);
  await refused(s.restore(point, 'RestoreDisks', { ...to, restoreDiskLunList: ['x'] }), undefined, /properties\.restoreDiskLunList/);
  await refused(s.restore(point, 'Teleport', to), undefined, /Teleport/);
  await refused(s.restore(point, 'RestoreDisks', { ...to, targetResourceGroupId: `${s.sub}/resourceGroups/ghost` }), undefined, /ghost/, (await s.restore(point, 'RestoreDisks', { targetResourceGroupId: `${s.sub}/resourceGroups/ghost` })).status);
  await refused(s.restore(point, 'RestoreDisks', { ...to, storageAccountId: s.accountId.replace('staging1', 'ghost1') }), undefined, /ghost1/);
  for (const [name, location, sku, pattern] of [['westacc', 'westus', 'Standard_LRS', /two different regions/], ['zrsacc', 'eastus', 'Standard_ZRS', /locally redundant or geo-redundant/]]) {
    const id = s.accountId.replace('staging1', name);
    await ok(server, 'PUT', id, { version: STORAGE, body: { location, sku: { name: sku }, kind: 'StorageV2' } });
    await refused(s.restore(point, 'RestoreDisks', { ...to, storageAccountId: id }), undefined, pattern);
  }
  await refused(s.restore(point, 'AlternateLocation', { targetResourceGroupId: s.group, targetVirtualMachineId: s.vmId, virtualNetworkId: `${s.group}/providers/Microsoft.Network/virtualNetworks/none`, subnetId: `${s.group}/providers/Microsoft.Network/virtualNetworks/none/subnets/x` }), undefined, /already exists|none/);
  await refused(s.restore(point, 'AlternateLocation', { targetResourceGroupId: s.group, targetVirtualMachineId: s.vmId.replace('vm1', 'vm9'), virtualNetworkId: `${s.group}/providers/Microsoft.Network/virtualNetworks/none`, subnetId: `${s.group}/providers/Microsoft.Network/virtualNetworks/none/subnets/x` }), undefined, /none/, (await s.restore(point, 'AlternateLocation', { targetResourceGroupId: s.group, targetVirtualMachineId: s.vmId.replace('vm1', 'vm9'), virtualNetworkId: `${s.group}/providers/Microsoft.Network/virtualNetworks/none`, subnetId: `${s.group}/providers/Microsoft.Network/virtualNetworks/none/subnets/x` })).status);
  await refused(s.restore(point, 'RestoreDisks', { ...to, sourceResourceId: s.vmId.replace('vm1', 'other') }), undefined, /other/);
  assert.deepEqual(await s.disks('refused'), []);
});

test('a recovery point of another item', async () => {
  const other = await Setup.create(server, 'vm2', { account: 'staging2' });
  await other.protect();
  await other.backup();
  const [theirs] = await other.points();
  const get = await request(server, 'GET', `${s.item}/recoveryPoints/${theirs.name}`, { version: V });
  if (theirs.name !== point) {
    assert.equal(get.status, 404, get.text);
    assert.match(get.json.error.message, new RegExp(theirs.name));
    const r = await s.restore(theirs.name, 'RestoreDisks');
    assert.ok(r.status === 404 || r.status === 400);
    assert.match(r.json.error.message, new RegExp(theirs.name));
  }
});

test('an image that vanished or shrank fails the job, and says which', async () => {
  const gone = await Setup.create(server, 'gone', { account: 'staging3' });
  await gone.protect();
  fs.renameSync(gone.data[0], `${gone.data[0]}.away`);
  let job = await gone.backup('Failed');
  assert.ok(job.properties.errorDetails.some((d) => d.errorString.includes('gone-data0')), JSON.stringify(job.properties.errorDetails));
  assert.deepEqual(await gone.points(), [], 'no half point');
  fs.renameSync(`${gone.data[0]}.away`, gone.data[0]);
  job = await gone.backup();
  assert.equal((await gone.points()).length, 1);
});

test('policies: every error names its path', async () => {
  const good = (await ok(server, 'GET', `${s.vault}/backupPolicies/DefaultPolicy`, { version: V })).json.properties;
  const put = (change) => {
    const properties = structuredClone(good);
    change(properties);
    return request(server, 'PUT', `${s.vault}/backupPolicies/mine`, { version: V, body: { properties } });
  };
  for (const [change, pattern] of [
    [(p) => { p.schedulePolicy.scheduleRunFrequency = 'Sometimes'; }, /properties\.schedulePolicy\.scheduleRunFrequency/],
    [(p) => { p.schedulePolicy.scheduleRunTimes = ['yesterday']; }, /properties\.schedulePolicy\.scheduleRunTimes/],
    [(p) => { p.retentionPolicy.dailySchedule.retentionDuration.count = 0; }, /properties\.retentionPolicy\.dailySchedule\.retentionDuration\.count/],
    [(p) => { p.retentionPolicy = 5; }, /properties\.retentionPolicy/],
    [(p) => { p.backupManagementType = 'Tape'; }, /properties\.backupManagementType/],
    [(p) => { p.instantRpRetentionRangeInDays = 99; }, /properties\.instantRpRetentionRangeInDays/],
  ])
    await refused(put(change), undefined, pattern);
  assert.equal((await put(() => {})).status, 200);
  assert.equal((await request(server, 'DELETE', `${s.vault}/backupPolicies/DefaultPolicy`, { version: V })).status, 400, 'in use');
  assert.equal((await request(server, 'DELETE', `${s.vault}/backupPolicies/mine`, { version: V })).status, 200);
  assert.equal((await request(server, 'DELETE', `${s.vault}/backupPolicies/mine`, { version: V })).status, 204);
});

test('a vault with items cannot be deleted, and says what blocks', async () => {
  const r = await request(server, 'DELETE', s.vault, { version: '2022-10-01' });
  assert.equal(r.status, 400);
  assert.match(r.json.error.message, /existing resources within the vault|backup items/);
  assert.match(r.json.error.message, /vm1/);
  const empty = s.vault.replace('vault1', 'empty');
  await ok(server, 'PUT', empty, { version: '2022-10-01', body: { location: 'eastus', sku: { name: 'Standard' }, properties: {} } });
  assert.equal((await request(server, 'DELETE', empty, { version: '2022-10-01' })).status, 200);
  assert.equal((await request(server, 'DELETE', empty, { version: '2022-10-01' })).status, 204);
});

test('a full disk fails the restore, and leaves nothing behind', async (t) => {
  const { run } = await import('./lib/server.js');
  if (process.getuid() !== 0) return t.skip('mounting a small file system needs root');
  const mount = path.join(server.root, 'small');
  fs.mkdirSync(mount);
  if (run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', mount], { mayFail: true }).status !== 0) return t.skip('cannot mount a tmpfs here');
  // the region's disk pool becomes the small file system
  const pool = path.join(server.dir, 'regions/eastus/disks');
  const full = await s.disks();
  assert.ok(full.every((d) => !d.tags['holdfast:path'].startsWith(pool)));
  fs.rmSync(pool, { recursive: true, force: true });
  fs.symlinkSync(mount, pool);
  const big = makeRaw(path.join(server.images, 'big.img'), 16 * MiB, 'big', 8, MiB);
  await ok(server, 'PUT', s.diskId('big'), { version: COMPUTE, body: { location: 'eastus', properties: { creationData: uri(big) } } });
  const vm = `${s.group}/providers/Microsoft.Compute/virtualMachines/bigvm`;
  await ok(server, 'PUT', vm, { version: COMPUTE, body: { location: 'eastus', properties: { storageProfile: { osDisk: { osType: 'Linux', managedDisk: { id: s.diskId('big') } } } } } });
  const b = Object.assign(Object.create(Object.getPrototypeOf(s)), s, { name: 'bigvm', vmId: vm, item: s.item.replaceAll(';vm1', ';bigvm') });
  try {
    await b.protect();
    await b.backup();
    const [p] = await b.points();
    const target = `${s.sub}/resourceGroups/nospace`;
    await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
    const r = await b.restore(p.name, 'RestoreDisks', { targetResourceGroupId: target });
    const op = await b.finished(r);
    const job = await b.jobEnd(op.properties.jobId, 'Failed');
    assert.match(JSON.stringify(job.properties.errorDetails), /disk full/);
    assert.deepEqual(await s.disks('nospace'), []);
    assert.deepEqual(fs.readdirSync(mount), [], 'no stray file');
  } finally {
    fs.unlinkSync(pool);
    fs.mkdirSync(pool);
    run('umount', [mount]);
  }
});

test('many imports of one disk at once: one wins, one file', async () => {
  const pool = path.join(server.dir, 'regions/eastus/disks');
  const before = fs.readdirSync(pool).length;
  const put = () => request(server, 'PUT', s.diskId('raced'), { version: COMPUTE, body: { location: 'eastus', properties: { creationData: { createOption: 'Import', sourceUri: `file://${s.data[0]}` } } } });
  const replies = await Promise.all(Array.from({ length: 8 }, put));
  assert.ok(replies.some((r) => r.status === 200));
  assert.ok(replies.every((r) => r.status === 200 || r.status === 409), replies.map((r) => r.status).join());
  assert.equal(fs.readdirSync(pool).length, before + 1);
  const disk = (await ok(server, 'GET', s.diskId('raced'), { version: COMPUTE })).json;
  assert.deepEqual(fs.readFileSync(disk.tags['holdfast:path']), fs.readFileSync(s.data[0]));
});

test('a half image of a crashed import is gone after the next start', async () => {
  const half = path.join(server.dir, 'regions/eastus/disks/x-00000000.raw.partial');
  fs.writeFileSync(half, 'half');
  await server.stop();
  await server.start();
  assert.ok(!fs.existsSync(half));
});

test('a restore whose group is deleted meanwhile fails and leaves nothing', async () => {
  const target = `${s.sub}/resourceGroups/vanishing`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  await server.stop();
  await server.start('restore/transfer/before=sleep:1500');
  const pool = path.join(server.dir, 'regions/eastus/disks');
  const before = fs.readdirSync(pool);
  const r = await s.restore(point, 'RestoreDisks', { targetResourceGroupId: target });
  assert.equal(r.status, 202, r.text);
  const d = await request(server, 'DELETE', target, { version: RESOURCES });
  const { properties } = await s.finished(r);
  const job = await s.jobEnd(properties.jobId, d.status === 202 ? 'Failed' : 'Completed');
  if (d.status === 202) {
    assert.match(JSON.stringify(job.properties.errorDetails), /vanishing/);
    assert.deepEqual(fs.readdirSync(pool), before);
  }
});

test('an account made anew while the old one of its name is being removed keeps its blobs', async () => {
  const id = `${s.group}/providers/Microsoft.Storage/storageAccounts/again1`;
  const put = () => ok(server, 'PUT', id, { version: STORAGE, body: { location: 'eastus', sku: { name: 'Standard_LRS' }, kind: 'StorageV2', properties: {} } });
  await server.stop();
  await server.start('account/remove=sleep:1500');
  await put();
  const accounts = path.join(server.dir, 'regions/eastus/accounts');
  fs.mkdirSync(path.join(accounts, 'again1/old'));
  const removed = request(server, 'DELETE', id, { version: STORAGE });
  while ((await request(server, 'GET', id, { version: STORAGE })).status === 200) await sleep(20);
  await put();
  const file = path.join(accounts, 'again1/new');
  assert.ok(!fs.existsSync(path.join(accounts, 'again1/old')), 'a new account is empty');
  fs.writeFileSync(file, 'new');
  assert.equal((await removed).status, 200);
  assert.ok(fs.existsSync(file));
  assert.deepEqual(fs.readdirSync(accounts).filter((n) => n.startsWith('again1')), ['again1']);
});

test('what a crash left of an account that was being removed is gone after the next start', async () => {
  const left = path.join(server.dir, 'regions/eastus/accounts/x-00000000.removed');
  fs.mkdirSync(path.join(left, 'container'), { recursive: true });
  fs.writeFileSync(path.join(left, 'container/blob'), 'old');
  await server.stop();
  await server.start();
  assert.ok(!fs.existsSync(left));
});
