// replication.test.js - a vault's copy in the paired region: that it follows what jobs and requests do, and how it
// is seen: usages, metrics, `holdfast region status` and `verify`.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ok, Setup, V, VAULTS } from './lib/flow.js';
import { request } from './lib/http.js';
import { binary, patience, run, Server, sleep } from './lib/server.js';

let server, s, copy;

const region = (verb) => run(binary, ['region', verb, server.dir, '--json'], { mayFail: true });
const status = () => JSON.parse(region('status').stdout);

async function until(what, fn) {
  const end = Date.now() + patience;
  for (;;) {
    const r = await fn();
    if (r) return r;
    if (Date.now() > end) throw new Error(`never: ${what}\n${JSON.stringify(status())}\n${server.log()}`);
    await sleep(50);
  }
}

const allCopied = (points) => until(`${points} points in the copy`, () => {
  const [v] = status().vaults;
  return v?.isCopied && v.points === points && v.missing === 0 && v;
});

// The values of one metric: [[labels, value]].
async function metric(name) {
  const r = await ok(server, 'GET', '/-/metrics');
  assert.match(r.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  return r.text.split('\n').filter((l) => l.startsWith(`${name}{`)).map((l) => {
    const [, labels, value] = l.match(/^\w+\{(.*)\} (\S+)$/);
    return [labels, Number(value)];
  });
}

const usages = async () => Object.fromEntries((await ok(server, 'GET', `${s.vault}/usages`, { version: VAULTS })).json.value
  .map((u) => [u.name.value, u]));

before(async () => {
  // what nobody tells of would be seen a day later: only wakes can make these tests pass
  server = await (await Server.create({ conf: (t) => t.replace(/^#?\s*replication_interval\s*=.*$/m, 'replication_interval = 86400') })).start();
  s = await Setup.create(server);
  await s.protect();
  await s.backup();
});
after(() => server.destroy());

test('a vault without cross-region restore has no copy, and nothing tells of one', async () => {
  assert.deepEqual(status(), { vaults: [], copies: [] });
  assert.equal(region('status').status, 0);
  assert.equal(fs.existsSync(path.join(server.dir, 'regions/westus/vaults')), false);
  assert.equal((await usages()).ReplicationLag, undefined);
  assert.equal((await usages()).GRSStorageUsage, undefined);
  assert.deepEqual((await ok(server, 'GET', `${s.vault}/replicationUsages`, { version: VAULTS })).json.value, []);
  assert.deepEqual(await metric('holdfast_replication_lag_seconds'), []);
  assert.equal((await metric('holdfast_build_info'))[0][1], 1);
});

test('metrics want a token and are no account', async () => {
  const r = await request(server, 'GET', '/-/metrics', { token: null });
  assert.equal(r.status, 401);
  assert.match(r.headers['www-authenticate'], /^Bearer /);
  assert.equal((await request(server, 'POST', '/-/metrics')).status, 405);
});

test('switched on, what the vault has comes over; then each backup as it is made', async () => {
  await ok(server, 'PATCH', `${s.vault}/backupstorageconfig/vaultstorageconfig`, { version: V,
    body: { properties: { crossRegionRestoreFlag: true } } });
  const first = await allCopied(1);
  assert.equal(first.region, 'eastus');
  assert.equal(first.copyRegion, 'westus');
  assert.equal(first.lagSeconds, 0);
  const vaults = path.join(server.dir, 'regions/westus/vaults');
  copy = path.join(vaults, fs.readdirSync(vaults)[0]);
  fs.writeFileSync(s.data[0], Buffer.alloc(300000, 0x17), { flag: 'r+' });
  await s.backup();
  const second = await allCopied(2);
  assert.ok(second.bytes > first.bytes);
  assert.equal(region('status').status, 0);
});

test('usages and metrics tell how much is there and how late', async () => {
  const u = await until('usages of the copy', async () => {
    const x = await usages();
    return x.ReplicationLag && x;
  });
  assert.deepEqual([u.ReplicationLag.unit, u.ReplicationLag.currentValue], ['Seconds', 0]);
  assert.equal(u.GRSStorageUsage.unit, 'Bytes');
  assert.equal(u.GRSStorageUsage.currentValue, status().vaults[0].bytes);
  const [row] = (await ok(server, 'GET', `${s.vault}/replicationUsages`, { version: VAULTS })).json.value;
  assert.equal(row.protectedItemCount, 1);
  assert.equal(row.monitoringSummary.eventsCount, 0);
  assert.deepEqual(row.jobsSummary, { failedJobs: 0, suspendedJobs: 0, inProgressJobs: 0 });

  const labels = `vault="${s.vault}",region="westus"`;
  assert.deepEqual(await metric('holdfast_replication_lag_seconds'), [[labels, 0]]);
  assert.deepEqual(await metric('holdfast_replication_points'), [[labels, 2]]);
  assert.deepEqual(await metric('holdfast_replication_points_missing'), [[labels, 0]]);
  assert.deepEqual(await metric('holdfast_replication_failures_total'), [[labels, 0]]);
  assert.ok((await metric('holdfast_replication_bytes_sent_total'))[0][1] > u.GRSStorageUsage.currentValue / 2);
  const [[, when]] = await metric('holdfast_replication_last_success_timestamp_seconds');
  assert.ok(Math.abs(when - Date.now() / 1000) < 600);
});

test('a copy that cannot be written is told of, and made good once it can', async () => {
  const points = path.join(copy, 'points'), aside = path.join(server.root, 'aside');
  fs.renameSync(points, aside);
  fs.writeFileSync(points, 'in the way');
  await s.backup();
  await until('a failure', async () => (await metric('holdfast_replication_failures_total'))[0][1] > 0);
  const [row] = (await ok(server, 'GET', `${s.vault}/replicationUsages`, { version: VAULTS })).json.value;
  assert.equal(row.monitoringSummary.eventsCount, 1);
  assert.ok(row.jobsSummary.failedJobs > 0);
  fs.unlinkSync(points);
  fs.renameSync(aside, points);
  const behind = region('status');
  assert.equal(behind.status, 3, behind.stderr);
  assert.equal(JSON.parse(behind.stdout).vaults[0].missing, 1);
  assert.match(run(binary, ['region', 'status', server.dir], { mayFail: true }).stdout, /1 of 3 points missing, the oldest \d+ s old/);
  await allCopied(3);	// the next attempt needs nobody to wake it
});

test('verify finds them the same; a lost point object comes back from the other side', async () => {
  const same = region('verify');
  assert.equal(same.status, 0, same.stdout + same.stderr);
  const [v] = JSON.parse(same.stdout).vaults;
  assert.deepEqual([v.points, v.same, v.findings.length], [3, 3, 0]);
  assert.equal((await server.stop()).code, 0);

  const dir = path.join(copy, 'points', fs.readdirSync(path.join(copy, 'points'))[0]);
  fs.truncateSync(path.join(dir, fs.readdirSync(dir)[0]), 50);
  const mended = region('verify');
  assert.equal(mended.status, 0, mended.stdout + mended.stderr);
  assert.deepEqual([JSON.parse(mended.stdout).vaults[0].same, JSON.parse(mended.stdout).vaults[0].mendedPoints], [3, 1]);

  fs.unlinkSync(path.join(dir, fs.readdirSync(dir)[0]));
  const lacking = region('verify');
  assert.equal(lacking.status, 3);
  assert.match(JSON.parse(lacking.stdout).vaults[0].findings[0].reason, /only the first side/);
  assert.equal(region('status').status, 3);
  await server.start();
  await allCopied(3);	// the first look after a start
});

test('wrong words are told', () => {
  assert.equal(run(binary, ['region', 'status'], { mayFail: true }).status, 2);
  assert.equal(run(binary, ['region', 'verify', server.dir, '--fast'], { mayFail: true }).status, 2);
  const r = run(binary, ['region', 'status', '/nowhere'], { mayFail: true });
  assert.equal(r.status, 1);
  assert.match(r.stderr, /\/nowhere/);
});

test('a deleted item goes from the copy, and a deleted vault takes its copy along', async () => {
  await ok(server, 'PUT', `${s.vault}/backupconfig/vaultconfig`, { version: V,
    body: { properties: { softDeleteFeatureState: 'Disabled' } } });
  await s.finished(await ok(server, 'DELETE', s.item, { version: V }));
  await allCopied(0);
  assert.equal((await metric('holdfast_replication_failures_total'))[0][1], 0);	// since the last start
  await until('no point object', () => !fs.readdirSync(path.join(copy, 'points')).some((d) =>
    fs.readdirSync(path.join(copy, 'points', d)).length > 0));
  await until('no pack', () => fs.readdirSync(path.join(copy, 'packs')).length === 0);
  await ok(server, 'DELETE', s.vault, { version: VAULTS });
  assert.equal(fs.existsSync(copy), false);
  assert.deepEqual(status(), { vaults: [], copies: [] });
});

test('a slow transfer is told of, ends with the server, and goes on from where it was killed', async () => {
  const slow = await (await Server.create({ conf: (t) => t.replace(/^#?\s*replication_limit\s*=.*$/m, 'replication_limit = 1') })).start();
  try {
    const x = await Setup.create(slow);
    await x.protect();
    await x.backup();
    await ok(slow, 'PATCH', `${x.vault}/backupstorageconfig/vaultstorageconfig`, { version: V,
      body: { properties: { crossRegionRestoreFlag: true } } });
    const shown = () => JSON.parse(run(binary, ['region', 'status', slow.dir, '--json'], { mayFail: true }).stdout).vaults[0];
    await until('a transfer', async () => (await ok(slow, 'GET', `${x.vault}/replicationUsages`, { version: VAULTS })).json.value[0]?.jobsSummary.inProgressJobs === 1);
    const text = (await ok(slow, 'GET', '/-/metrics')).text;
    assert.match(text, /^holdfast_replication_points_missing\{.*\} 1$/m);
    assert.doesNotMatch(text, /^holdfast_replication_lag_seconds\{.*\} 0\.000000$/m);
    const began = Date.now();
    assert.equal((await slow.stop()).code, 0);
    assert.ok(Date.now() - began < patience / 10, 'it does not wait for the transfer');
    assert.equal(shown().missing, 1);

    await slow.start('copy/point=kill');	// all chunks are there, the point is not
    assert.equal((await slow.died()).signal, 'SIGKILL');
    assert.deepEqual([shown().points, shown().missing], [1, 1]);
    await slow.start();
    await until('the point', () => shown().missing === 0);
    await slow.stop();
    const verified = run(binary, ['region', 'verify', slow.dir], { mayFail: true });
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    assert.match(verified.stdout, /vault1 +eastus -> westus +1 of 1 points are the same/);
  } finally {
    await slow.destroy();
  }
});
