// attack.test.js - what breaks or changes things at the worst moment: between a commit and the step's
// record of it, in the middle of a copy, in a vault's files, in many requests at once.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { contentHash } from './lib/images.js';
import { COMPUTE, NETWORK, ok, RESOURCES, Setup, V } from './lib/flow.js';
import { run, Server, sleep } from './lib/server.js';

let server, s, point, want;
before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
  await s.protect();
  await s.backup();
  [{ name: point }] = await s.points();
  want = [contentHash(s.os, 'qcow2'), ...s.data.map((f) => contentHash(f))];
});
after(() => server.destroy());

const vmNow = async () => (await ok(server, 'GET', s.vmId, { version: COMPUTE })).json;
const profileIds = ({ osDisk, dataDisks }) => [osDisk, ...dataDisks].map((d) => d.managedDisk.id);
const diskIds = async () => profileIds((await vmNow()).properties.storageProfile);
const jobs = async () => (await ok(server, 'GET', `${s.vault}/backupJobs`, { version: V })).json.value;
const newest = async () => (await jobs())[0].name;
const pool = () => path.join(server.dir, 'regions/eastus/disks');
const restart = async (failpoints) => {
  await server.stop();
  await server.start(failpoints);
};
const putVm = (id, storageProfile) => request(server, 'PUT', id, { version: COMPUTE, body: { location: 'eastus', properties: { storageProfile } } });
const group = async (name) => {
  const id = `${s.sub}/resourceGroups/${name}`;
  await ok(server, 'PUT', id, { version: RESOURCES, body: { location: 'eastus' } });
  return id;
};
const swapped = async (old) => {
  while ((await diskIds())[0] === old[0]) await sleep(20);
};

// The VM has all its disks, they say so, and they hold the right bytes; no file is without a row.
async function whole() {
  const ids = await diskIds();
  assert.equal(ids.length, 3);
  for (const [i, id] of ids.entries()) {
    const disk = (await ok(server, 'GET', id, { version: COMPUTE })).json;
    assert.equal(disk.managedBy, s.vmId, id);
    const file = disk.tags['holdfast:path'];
    assert.equal(contentHash(file, file.endsWith('.qcow2') ? 'qcow2' : 'raw'), want[i], id);
  }
  const all = (await ok(server, 'GET', `${s.sub}/providers/Microsoft.Compute/disks`, { version: COMPUTE })).json.value;
  const known = new Set(all.map((d) => path.basename(d.tags['holdfast:path'])));
  assert.deepEqual(fs.existsSync(pool()) ? fs.readdirSync(pool()).filter((f) => !known.has(f)) : [], [], 'stray files');
}

test('replacing: the VM is written anew between a crash and the resumption', async () => {
  await restart('restore/publish/unsaved=kill');
  await s.restore(point, 'OriginalLocation').catch(() => {});
  await server.exited;
  await server.start('restore/publish/before=sleep:1500');
  const vm = await vmNow();
  assert.equal((await putVm(s.vmId, vm.properties.storageProfile)).status, 200);
  await s.jobEnd(await newest());
  await whole();
  const [os] = await diskIds();
  assert.equal((await request(server, 'DELETE', os, { version: COMPUTE })).status, 409, 'a disk in use stays');
});

test('replacing: what cannot be put back is not taken away', async () => {
  await restart('restore/publish/unsaved=sleep:1500;restore/publish/after=error');
  const old = await diskIds();
  assert.equal((await s.restore(point, 'OriginalLocation')).status, 202);
  await swapped(old);
  for (const id of old) assert.equal((await request(server, 'DELETE', id, { version: COMPUTE })).status, 200);
  const job = await s.jobEnd(await newest(), 'Failed');
  assert.match(JSON.stringify(job.properties.errorDetails), /putting back disk .* deleted since/);
  await whole();
});

test('replacing: an old disk that got another VM stays with it', async () => {
  await restart('restore/publish/unsaved=sleep:1500;restore/publish/after=error');
  const old = await diskIds(), thief = `${s.vmId}thief`;
  assert.equal((await s.restore(point, 'OriginalLocation')).status, 202);
  await swapped(old);
  assert.equal((await putVm(thief, { osDisk: { managedDisk: { id: old[1] } } })).status, 201);
  await s.jobEnd(await newest(), 'Failed');
  await whole();
  assert.equal((await ok(server, 'GET', old[1], { version: COMPUTE })).json.managedBy, thief);
});

test('a restored disk that got a VM outlives the failure of its job', async () => {
  await restart('restore/publish/unsaved=sleep:1500;restore/publish/after=error');
  const target = await group('kept');
  assert.equal((await s.restore(point, 'RestoreDisks', { targetResourceGroupId: target })).status, 202);
  let disks;
  do disks = await s.disks('kept'); while (disks.length === 0);
  assert.equal((await putVm(`${target}/providers/Microsoft.Compute/virtualMachines/user`, { osDisk: { managedDisk: { id: disks[0].id } } })).status, 201);
  const job = await s.jobEnd(await newest(), 'Failed');
  assert.match(JSON.stringify(job.properties.errorDetails), /was attached to VM .*user/);
  assert.ok(fs.existsSync((await ok(server, 'GET', disks[0].id, { version: COMPUTE })).json.tags['holdfast:path']));
  await whole();
});

test('replacing: disks detached and deleted meanwhile; the VM deleted meanwhile', async () => {
  await restart('restore/transfer/after=sleep:1000');
  const profile = (await vmNow()).properties.storageProfile, gone = profile.dataDisks.pop().managedDisk.id;
  assert.equal((await s.restore(point, 'OriginalLocation')).status, 202);
  await sleep(500);
  assert.equal((await putVm(s.vmId, profile)).status, 200);
  assert.equal((await request(server, 'DELETE', gone, { version: COMPUTE })).status, 200);
  await s.jobEnd(await newest());
  await whole();

  const vm = await vmNow();
  assert.equal((await s.restore(point, 'OriginalLocation')).status, 202);
  await sleep(500);
  assert.equal((await request(server, 'DELETE', s.vmId, { version: COMPUTE })).status, 200);
  await s.jobEnd(await newest(), 'Failed');
  assert.equal((await putVm(s.vmId, vm.properties.storageProfile)).status, 201);
  await whole();
});

test('replacing: the disk fills up in the middle', async (t) => {
  const small = path.join(server.root, 'small');
  if (process.getuid() !== 0) return t.skip('mounting a small file system needs root');
  fs.mkdirSync(small);
  if (run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', small], { mayFail: true }).status !== 0) return t.skip('cannot mount a tmpfs here');
  await server.stop();
  run('cp', ['-a', '--sparse=always', `${pool()}/.`, small]);
  fs.renameSync(pool(), `${pool()}.away`);
  fs.symlinkSync(small, pool());
  try {
    await server.start('restore/disk=sleep:1000');
    const old = await diskIds(), before = fs.readdirSync(small).length;
    assert.equal((await s.restore(point, 'OriginalLocation')).status, 202);
    while (fs.readdirSync(small).length === before) await sleep(20);
    await sleep(500);
    run('dd', ['if=/dev/zero', `of=${small}/fill`, 'bs=64k'], { mayFail: true });
    const job = await s.jobEnd(await newest(), 'Failed');
    assert.match(JSON.stringify(job.properties.errorDetails), /No space left|disk full/);
    fs.unlinkSync(`${small}/fill`);
    assert.deepEqual(await diskIds(), old);
    await whole();
  } finally {
    await server.stop();
    fs.unlinkSync(pool());
    fs.renameSync(`${pool()}.away`, pool());
    run('umount', [small]);
    await server.start();
  }
});

test('two VMs restored under one name: one wins, the other leaves nothing', async () => {
  await restart('restore/transfer/before=sleep:700');
  const t = await Setup.create(server, 'second', { account: 'staging2' });
  await t.protect();
  await t.backup();
  const [theirs] = await t.points();
  const vnet = `${s.group}/providers/Microsoft.Network/virtualNetworks/net1`, target = await group('onename');
  await ok(server, 'PUT', vnet, { version: NETWORK, body: { location: 'eastus', properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [{ name: 'default', properties: { addressPrefix: '10.0.0.0/24' } }] } } });
  const to = { targetResourceGroupId: target, targetVirtualMachineId: `${target}/providers/Microsoft.Compute/virtualMachines/one`, virtualNetworkId: vnet, subnetId: `${vnet}/subnets/default` };
  const replies = await Promise.all([s.restore(point, 'AlternateLocation', to), t.restore(theirs.name, 'AlternateLocation', to)]);
  assert.deepEqual(replies.map((r) => r.status), [202, 202]);
  const ends = [];
  for (const r of replies) {
    const { properties } = await s.finished(r);
    let j;
    do j = await s.job(properties.jobId); while (j.properties.status === 'InProgress');
    ends.push(j.properties.status);
  }
  assert.deepEqual(ends.sort(), ['Completed', 'Failed']);
  assert.equal((await s.disks('onename')).length, 3);
  await whole();
});

test('an image that shrank makes no point', async () => {
  await restart('backup/snapshot/after=sleep:1200');
  const u = await Setup.create(server, 'shrunk', { account: 'staging3' });
  await u.protect();
  const size = fs.statSync(u.data[0]).size;
  fs.truncateSync(u.data[0], 1 << 20);
  let job = await u.backup('Failed');
  assert.match(JSON.stringify(job.properties.errorDetails), /shrunk-data0.*shrank/);
  fs.truncateSync(u.data[0], size);
  const r = await ok(server, 'POST', `${u.item}/backup`, { version: V, body: { properties: { objectType: 'IaasVMBackupRequest' } } });
  await sleep(600);
  fs.truncateSync(u.data[0], 0);
  job = await u.jobEnd((await u.finished(r)).properties.jobId, 'Failed');
  assert.match(JSON.stringify(job.properties.errorDetails), /shrunk-data0.*shrank/);
  assert.deepEqual(await u.points(), []);
  fs.truncateSync(u.data[0], size);
  await u.backup();
});

test('damage to a vault\'s files is told, and never becomes bytes of a disk', async () => {
  await restart();
  const vaults = path.join(server.dir, 'regions/eastus/vaults'), others = new Set(fs.readdirSync(vaults));
  const d = await Setup.create(server, 'damaged', { vault: 'vault9', account: 'staging9' });
  await d.protect();
  await d.backup();
  const [p] = await d.points();
  const store = path.join(vaults, fs.readdirSync(vaults).find((x) => !others.has(x)));
  const files = fs.readdirSync(store, { recursive: true }).map((f) => path.join(store, f)).filter((f) => fs.statSync(f).isFile() && !path.basename(f).startsWith('#'));
  assert.ok(files.length >= 3);
  const right = [contentHash(d.os, 'qcow2'), ...d.data.map((f) => contentHash(f))];
  let n = 0;
  for (const file of files) {
    const whole = fs.readFileSync(file);
    for (const harm of ['middle', 'end', 'half', 'empty', 'gone']) {
      const bytes = Buffer.from(whole);
      bytes[harm === 'end' ? bytes.length - 1 : bytes.length >> 1] ^= 0x41;
      fs.writeFileSync(file, { half: whole.subarray(0, whole.length >> 1), empty: '' }[harm] ?? bytes);
      if (harm === 'gone') fs.unlinkSync(file);
      if (file.endsWith('config')) await restart();	// it is read once
      const rg = `damaged${n++}`, targetResourceGroupId = await group(rg);
      const { properties } = await d.finished(await d.restore(p.name, 'RestoreDisks', { targetResourceGroupId }));
      let j;
      do j = await d.job(properties.jobId); while (j.properties.status === 'InProgress');
      const disks = await d.disks(rg);
      if (j.properties.status === 'Completed')	// of parts that restores do not need
        assert.deepEqual(['-osdisk-', '-datadisk-000-', '-datadisk-001-'].map((part) => contentHash(disks.find((x) => x.name.includes(part)).tags['holdfast:path'])), right);
      else
        assert.deepEqual(disks, [], file);
      if (!file.includes('/packs/') || harm === 'gone') assert.equal(j.properties.status, 'Failed', `${file} ${harm}`);
      fs.writeFileSync(file, whole);
    }
  }
  await restart();
  await d.restored(p.name, 'RestoreDisks', { targetResourceGroupId: await group('undamaged') });
});

test('many at once: one backup, one restore, a disk that is made and deleted', async () => {
  const many = (n, f) => Promise.all(Array.from({ length: n }, (_, i) => f(i)));
  const won = (replies) => replies.filter((r) => r.status === 202).length;
  const count = (await s.points()).length;
  const backups = await many(12, () => request(server, 'POST', `${s.item}/backup`, { version: V, body: { properties: { objectType: 'IaasVMBackupRequest' } } }));
  assert.equal(won(backups), 1);
  await s.jobEnd(await newest());
  assert.equal((await s.points()).length, count + 1);
  assert.equal(won(await many(12, () => s.restore(point, 'OriginalLocation'))), 1);
  await s.jobEnd(await newest());
  for (const r of await many(24, (i) => (i % 3 ? request(server, 'PUT', s.diskId('raced'), { version: COMPUTE, body: { location: 'eastus', properties: { creationData: { createOption: 'Import', sourceUri: `file://${s.data[0]}` } } } })
    : request(server, 'DELETE', s.diskId('raced'), { version: COMPUTE }))))
    assert.ok([200, 204, 409].includes(r.status), r.text);
  await whole();
});

test('a header that cannot be echoed is refused, not fatal to the answer', async () => {
  for (const value of ['', '\t', 'x'.repeat(8000), 'caf\u00e9']) {
    const r = await request(server, 'GET', s.vault, { version: V, headers: { 'x-ms-client-request-id': value } });
    assert.equal(r.status, 400, r.text);
    assert.equal(r.json.error.code, 'InvalidHeader');
    assert.equal(r.headers['x-ms-client-request-id'], undefined);
  }
});

test('every field with a value of every wrong kind: no 5xx', async () => {
  const evil = [null, -1, 1e308, true, '', '\u0000', '\ud83d\ude00%s../..', 'A'.repeat(70000), [], [[null]], {}, ['x', 1, {}], '99999999999999999999'];
  const bodies = [
    ['PUT', s.vmId, COMPUTE, s.vmBody()],
    ['PUT', s.diskId('odd'), COMPUTE, { location: 'eastus', tags: { a: 'b' }, zones: ['1'], sku: { name: 'Premium_LRS' }, properties: { osType: 'Linux', creationData: { createOption: 'Attach', sourceUri: `file://${s.data[0]}`, holdfastFormat: 'raw' } } }],
    ['PUT', s.item, V, { properties: { protectedItemType: 'Microsoft.Compute/virtualMachines', sourceResourceId: `${s.vmId}none`, policyId: `${s.vault}/backupPolicies/DefaultPolicy`, extendedProperties: { diskExclusionProperties: { diskLunList: [0], isInclusionList: true } } } }],
    ['PUT', `${s.vault}/backupPolicies/odd`, V, { properties: (await ok(server, 'GET', `${s.vault}/backupPolicies/DefaultPolicy`, { version: V })).json.properties }],
    ['POST', `${s.item}/recoveryPoints/${point}/restore`, V, s.restoreBody(point, 'RestoreDisks', { targetResourceGroupId: `${s.group}none`, restoreDiskLunList: [0], zones: ['1'] })],
  ];
  const paths = (o, at = []) => Object.entries(o).flatMap(([k, v]) => [[...at, k], ...(v && typeof v === 'object' ? paths(v, [...at, k]) : [])]);
  for (const [method, target, version, body] of bodies) {
    const cases = paths(body).flatMap((at) => evil.map((value) => [at, value]));
    for (let i = 0; i < cases.length; i += 16)
      await Promise.all(cases.slice(i, i + 16).map(async ([at, value]) => {
        const copy = structuredClone(body);
        at.slice(0, -1).reduce((o, k) => o[k], copy)[at.at(-1)] = value;
        const r = await request(server, method, target, { version, body: copy });
        assert.ok(r.status < 500, `${method} ${at.join('.')}=${JSON.stringify(value).slice(0, 40)}: ${r.status} ${r.text}`);
      }));
  }
});
