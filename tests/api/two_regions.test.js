// two_regions.test.js - a server for each region of a pair, with nothing in common but that the first
// writes copies of its vaults into the second's store: what the first protects, the second restores,
// also when nothing is left of the first.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { SecondRegion } from './lib/crr.js';
import { COMPUTE, ok, RESOURCES, Setup, STORAGE, V, VAULTS } from './lib/flow.js';
import { request } from './lib/http.js';
import { contentHash, MiB } from './lib/images.js';
import { binary, patience, run, Server, sleep } from './lib/server.js';

const reader = path.resolve(import.meta.dirname, '../../tools/read-vault');

let a, b, secrets;		// the servers of eastus and westus; what the second was made from
let s, west;			// vm1, in vault1 of a; where b restores it
const bytes = new Map();	// point => hashes of its disks: OS, LUN 0, LUN 1

// `a` keeps copies in the store of `b`, sending `limit` MiB a second at most (0: as fast as it can).
function configure(limit = 0) {
  const file = path.join(a.dir, 'holdfast.conf');
  const text = fs.readFileSync(file, 'utf8').replace(/\n\[region westus\]\n[^[]*/, '\n')
    .replace(/^#?\s*replication_limit\s*=.*$/m, `replication_limit = ${limit}`)
    .replace(/^#?\s*replication_interval\s*=.*$/m, 'replication_interval = 1');
  fs.writeFileSync(file, `${text}\n[region westus]\npair = eastus\nserver = ${b.url}\nstore = ${path.join(b.dir, 'regions/westus')}\n`);
}

function exported(server, region, ...options) {
  const file = path.join(server.root, `${region}.json`);
  const out = fs.openSync(file, 'w', 0o600);
  run(binary, ['region', 'export', server.dir, region, ...options], { stdio: ['ignore', out, 'pipe'] });
  fs.closeSync(out);
  return file;
}

// The same resources, asked for at the second server.
const at = (server, setup) => Object.assign(Object.create(setup), { server });
const hashes = (setup) => [contentHash(setup.os, 'qcow2'), ...setup.data.map((f) => contentHash(f))];

async function backup(setup) {
  await setup.backup();
  const [{ name }] = await setup.points();
  bytes.set(name, hashes(setup));
  return name;
}

// Make the disks differ from what they were.
function change(setup) {
  for (const [i, file] of setup.data.entries()) {
    const piece = crypto.randomBytes(700 * 1024 + 512 * i);
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, piece, 0, piece.length, 3 * MiB + i * 512);
    fs.closeSync(fd);
  }
}

const crrOn = (setup) => ok(setup.server, 'PATCH', `${setup.vault}/backupstorageconfig/vaultstorageconfig`, { version: '2023-02-01',
  body: { properties: { crossRegionRestoreFlag: true } } });

const copy = (verb, vault, ...more) => run(binary, ['vault', verb, vault, ...more, '--copy', '--dir', b.dir], { mayFail: true });

async function disksIn(server, group) {
  return (await ok(server, 'GET', `${group}/providers/Microsoft.Compute/disks`, { version: COMPUTE })).json.value;
}

// The group's disks hold what the machine's had at the point: those of the list, 0 the OS disk.
async function same(group, point, which = [0, 1, 2]) {
  const disks = await disksIn(b, group);
  const nth = (d) => (d.name.includes('-osdisk-') ? 0 : 1 + Number(d.name.match(/-datadisk-(\d+)-/)[1]));
  assert.deepEqual(disks.map(nth).sort(), [...which.keys()]);
  for (const d of disks) {
    assert.equal(d.location, 'westus');
    assert.ok(d.tags['holdfast:path'].startsWith(b.dir), d.tags['holdfast:path']);
    assert.equal(contentHash(d.tags['holdfast:path']), bytes.get(point)[which[nth(d)]], d.name);
  }
}

let groups = 0;
async function newGroup() {
  const id = `${s.sub}/resourceGroups/restored${groups++}`;
  await ok(b, 'PUT', id, { version: RESOURCES, body: { location: 'westus' } });
  return id;
}

async function refused(reply, code, pattern, status = 400) {
  const r = await reply;
  assert.equal(r.status, status, r.text);
  assert.equal(r.json.error.code, code, r.text);
  assert.match(r.json.error.message, pattern);
}

before(async () => {
  a = await Server.create();
  secrets = exported(a, 'eastus', '--with-secrets');
  b = await Server.create({ init: ['--pair', secrets] });
  configure();
  run(binary, ['region', 'import', a.dir, exported(b, 'westus')]);
  await a.start();
  await b.start();
  s = await Setup.create(a, 'vm1');
  await s.protect();
  west = await SecondRegion.create(at(b, s));
});
after(async () => {
  await a.destroy();
  await b.destroy();
});

test('what the first server protects shows at the second', async () => {
  await refused(west.ask('GET', `${s.vault}/backupProtectedItems`), 'ResourceGroupNotFound', /rg1/, 404);
  await crrOn(s);
  await backup(s);
  change(s);
  await west.arrived(await backup(s));
  const [item] = (await west.call('GET', `${s.vault}/backupProtectedItems/`, west.version)).json.value;
  assert.equal(item.id, s.item);
  assert.equal(item.properties.friendlyName, 'vm1');
  const points = await west.points();
  assert.deepEqual(points.map((p) => p.name), [...bytes.keys()].reverse());
  for (const p of points) {
    assert.deepEqual(p.properties.recoveryPointTierDetails, [{ type: 'HardenedRP', status: 'Valid' }]);
    assert.equal(p.properties.recoveryPointTime, (await s.points()).find((x) => x.name === p.name).properties.recoveryPointTime);
  }
});

test('a token of the first server opens the point at the second', async () => {
  const [older] = bytes.keys();
  const aad = await west.aad();
  const r = await request(a, 'POST', `${s.item}/recoveryPoints/${older}/accessToken`, { version: west.version, body: aad });
  assert.equal(r.status, 200, r.text);
  const group = await newGroup();
  const started = await west.restore(r.json.properties, older, 'RestoreDisks', { targetResourceGroupId: group });
  assert.equal(started.status, 202, started.text);
  assert.ok(started.headers['azure-asyncoperation'].startsWith(`${b.url}/`), started.headers['azure-asyncoperation']);
  const op = await west.s.finished(started);
  const job = await west.jobEnd(op.properties.jobId);
  assert.equal(job.properties.operation, 'CrossRegionRestore');
  assert.equal(job.properties.extendedInfo.propertyBag['Vault name'], 'vault1');
  await same(group, older);
});

test('a bearer token is good only at the server that issued it', async () => {
  for (const [server, issuer] of [[a, b], [b, a]])
    await refused(request(server, 'GET', `${s.sub}/resourceGroups`, { version: RESOURCES, token: issuer.token() }), 'InvalidAuthenticationToken', /invalid/, 401);
});

test('what is the other server\'s is refused, with its address', async () => {
  const [point] = [...bytes.keys()].reverse();
  const token = await west.token(point);
  const body = west.body(token, point, 'RestoreDisks', { targetResourceGroupId: west.group });
  const there = (server) => new RegExp(`is served by ${server.url}`);
  await refused(request(a, 'POST', `${west.location}/backupCrossRegionRestore`, { version: west.version, body }), 'LocationNotAvailableForResourceType', there(b));
  for (const [server, other, region] of [[a, b, 'westus'], [b, a, 'eastus']])
    for (const [id, version, more] of [
      ['Microsoft.Storage/storageAccounts/acc1', STORAGE, { sku: { name: 'Standard_LRS' }, kind: 'StorageV2', properties: {} }],
      ['Microsoft.RecoveryServices/vaults/vault9', VAULTS, { sku: { name: 'Standard' }, properties: {} }],
    ])
      await refused(request(server, 'PUT', `${s.group.replace('rg1', server === a ? 'rg1' : 'west')}/providers/${id}`, { version, body: { location: region, ...more } }),
        'LocationNotAvailableForResourceType', there(other));
  await refused(west.restore(token, point, 'OriginalLocation'), 'UserErrorOlrNotSupported', /westus/);
  assert.equal((await west.jobs()).length, 1);
});

// A server with what lies in the second one's store, as somebody who copied it would have.
async function withTheStore(options, fn) {
  const server = await Server.create(options);
  try {
    fs.cpSync(path.join(b.dir, 'regions/westus/vaults'), path.join(server.dir, 'regions/westus/vaults'), { recursive: true });
    await fn(server);
  } finally {
    await server.destroy();
  }
}

test('who has a copy, but not the pair key, opens nothing', () => withTheStore({}, (stranger) => {
  const opened = run(binary, ['vault', 'ls', 'vault1', '--copy', '--dir', stranger.dir], { mayFail: true });
  assert.equal(opened.status, 1, opened.stdout);
  assert.match(opened.stderr, /keys\/pair\.key is not the one that it was made with/);
}));

test('a third server\'s token opens nothing, though it has the pair key', () => withTheStore({ init: ['--pair', secrets] }, async (third) => {
  await third.start();
  const [point] = bytes.keys();
  const there = await (await SecondRegion.create(at(third, s))).token(point);
  const before = (await west.jobs()).length;
  await refused(west.restore(there, point, 'RestoreDisks', { targetResourceGroupId: west.group }), 'BMSUserErrorInvalidInput', /accessTokenString: this is not a token that this server or a paired one has given out/);
  await refused(west.askToken(point, await west.aad(), { token: third.token() }), 'InvalidAuthenticationToken', /invalid/, 401);
  assert.equal((await west.jobs()).length, before);
}));

// Of the points that the second server shows all must be whole in the copy.
async function shownAreWhole(other) {
  const r = await request(b, 'GET', `${other.item}/recoveryPoints`, { version: west.version });
  assert.ok(r.status === 200 || r.status === 404, r.text);
  if (r.status === 404) return [];
  const shown = r.json.value.map((p) => p.name);
  const verified = copy('verify', 'vault2', '--json');
  assert.equal(verified.status, 0, verified.stderr + verified.stdout);
  const whole = verified.stdout.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l)).filter((v) => v.state === 'whole').map((v) => v.point);
  for (const name of shown) assert.ok(whole.includes(name), name);
  return shown;
}

async function arrived(other, ...points) {
  const end = Date.now() + patience;
  for (let shown = []; !points.every((p) => shown.includes(p)); shown = await shownAreWhole(other)) {
    assert.ok(Date.now() < end, `points do not arrive\n${a.log()}`);
    await sleep(200);
  }
}

function restoreAll(vault, point, setup) {
  const out = path.join(b.root, 'restored.img');
  for (const [i, disk] of [`${setup.name}-os`, `${setup.name}-data0`, `${setup.name}-data1`].entries()) {
    const r = copy('restore', vault, point, disk, out);
    assert.equal(r.status, 0, r.stderr);
    assert.equal(contentHash(out), bytes.get(point)[i], `${point} ${disk}`);
    fs.unlinkSync(out);
  }
}

test('killed again and again while it sends, the first server leaves only points that restore', async (t) => {
  const other = await Setup.create(a, 'vm2', { vault: 'vault2', account: 'staging2' });
  const points = [], behind = [];
  await other.protect();
  await crrOn(other);
  for (let round = 0; round < 10; round++) {
    await a.stop();
    configure(3);
    await a.start();
    change(other);
    points.push(await backup(other));
    const pause = Math.floor(Math.random() * 500);
    await sleep(pause);
    await a.stop('SIGKILL');
    behind.push(points.length - (await shownAreWhole(other)).length);
    await a.start();
    // the machine's first point is the largest by far: from then on the others are on their way
    if (round === 0) await arrived(other, points[0]);
  }
  t.diagnostic(`points that the copy lacked after each kill: ${behind.join(', ')}`);
  assert.ok(behind.some((n) => n > 0), 'it was killed while points were on their way');
  await a.stop();
  configure();
  await a.start();
  await arrived(other, ...points);
  for (const point of points) restoreAll('vault2', point, other);
  run(binary, ['region', 'verify', a.dir]);	// fails if anything differs
});

// vm2 in vault2, as the second region has it.
function second() {
  const item = s.item.replaceAll('vm1', 'vm2').replace('vault1', 'vault2');
  const other = Object.assign(Object.create(west.s), { name: 'vm2', item, vault: s.vault.replace('vault1', 'vault2'), vmId: s.vmId.replace('vm1', 'vm2') });
  return Object.assign(Object.create(west), { s: other });
}

test('what goes from the vault goes from the second region, and the rest restores from what is left', async () => {
  const there = second();
  const all = (await there.points()).map((p) => p.name);
  await a.stop();
  for (const point of all.slice(3)) run(binary, ['vault', 'expire', 'vault2', point, '--dir', a.dir]);
  await a.start();
  const end = Date.now() + patience;
  while ((await there.points()).length > 3) {
    assert.ok(Date.now() < end, `points do not go\n${a.log()}`);
    await sleep(100);
  }
  await refused(there.askToken(all[5], await west.aad()), 'UserErrorRpNotFound', new RegExp(all[5]), 404);
  for (const point of all.slice(0, 3)) {
    const group = await newGroup();
    await there.restored(point, 'RestoreDisks', { targetResourceGroupId: group });
    await same(group, point);
  }
});

test('a restore whose point goes meanwhile fails, says why, and leaves nothing; a deleted vault takes its copy along', async () => {
  const there = second(), group = await newGroup(), pool = path.join(b.dir, 'regions/westus/disks');
  const [{ name }] = await there.points();
  const token = await there.token(name), files = fs.readdirSync(pool);
  await b.stop();
  await b.start('restore/disk=sleep:1500');
  const started = await there.restore(token, name, 'RestoreDisks', { targetResourceGroupId: group });
  assert.equal(started.status, 202, started.text);
  const first = at(a, there.s);
  await ok(a, 'PATCH', `${first.vault}/backupconfig/vaultconfig`, { version: V, body: { properties: { softDeleteFeatureState: 'Disabled' } } });
  await first.finished(await ok(a, 'DELETE', first.item, { version: V }));
  const op = await there.s.finished(started);
  const job = await there.jobEnd(op.properties.jobId, 'Failed');
  assert.match(job.properties.errorDetails[0].errorString, new RegExp(`recovery point '.*/${name}' does not exist any more`));
  assert.deepEqual(fs.readdirSync(pool), files);
  assert.deepEqual(await disksIn(b, group), []);
  await ok(a, 'DELETE', first.vault, { version: VAULTS });
  await refused(there.ask('GET', `${there.s.vault}/backupProtectedItems`), 'ResourceGroupNotFound', /rg1/, 404);
  assert.equal(fs.readdirSync(path.join(b.dir, 'regions/westus/vaults')).length, 1);
  await b.stop();
  await b.start();
});

test('when nothing is left of the first server, the second restores all the same', async () => {
  await a.stop();
  fs.rmSync(a.root, { recursive: true });
  const [older, newer] = bytes.keys();
  assert.match(run(binary, ['region', 'status', b.dir]).stdout, /vault1/);
  const one = await newGroup();
  const job = await west.restored(older, 'RestoreDisks', { targetResourceGroupId: one, restoreDiskLunList: [1] });
  assert.equal(job.properties.extendedInfo.propertyBag['Restored disk(s)'], 'vm1-os; vm1-data1');
  await same(one, older, [0, 2]);
  const two = await newGroup();
  const vm = `${two}/providers/Microsoft.Compute/virtualMachines/vm1`;
  await west.restored(newer, 'AlternateLocation', { targetVirtualMachineId: vm, targetResourceGroupId: two, virtualNetworkId: west.vnetId, subnetId: `${west.vnetId}/subnets/default` });
  await same(two, newer);
  const made = (await ok(b, 'GET', vm, { version: COMPUTE })).json;
  assert.equal(made.location, 'westus');
  assert.deepEqual(made.properties.storageProfile.dataDisks.map((d) => d.lun), [0, 1]);
  await b.stop();
  await b.start();
  assert.deepEqual((await west.points()).map((p) => p.name), [newer, older]);
});

test('the copy and its key are enough for a reader that is no part of the program', () => {
  const key = path.join(b.root, 'key');
  const [older] = bytes.keys();
  fs.writeFileSync(key, copy('export-key', 'vault1').stdout, { mode: 0o600 });
  const vaults = path.join(b.dir, 'regions/westus/vaults');
  const store = fs.readdirSync(vaults).map((id) => path.join(vaults, id)).find((dir) => run(reader, [dir, key], { mayFail: true }).status === 0);
  assert.ok(store, 'the key opens one of the copies');
  assert.match(run(reader, [store, key]).stdout, new RegExp(`^${older}\t3\t`, 'm'));
  for (const [i, disk] of ['vm1-os', 'vm1-data0', 'vm1-data1'].entries()) {
    const out = path.join(b.root, `${disk}.img`);
    run(reader, [store, key, older, disk, out]);
    assert.equal(contentHash(out), bytes.get(older)[i], disk);
  }
});
