// archive.test.js - the archive tier: which points may go there, the move, a restore with rehydration, the end of
// its time, and what is left when the item goes.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { ok, RESOURCES, Setup } from './lib/flow.js';
import { request } from './lib/http.js';
import { contentHash } from './lib/images.js';
import { binary, patience, run, Server, sleep } from './lib/server.js';

const VERSION = '2023-01-01';
const MOVE = { sourceTierType: 'HardenedRP', targetTierType: 'ArchivedRP' };
let server, s, archive, points, first, hot, id;

const withArchive = (text) => text.replace('#archive =', 'archive = cold').replace(/^archive_after = .*/m, 'archive_after = 0');
const backup = async (expiry = '2199-01-01T00:00:00Z') => {
  const r = await ok(server, 'POST', `${s.item}/backup`, { version: VERSION, body: { properties: { objectType: 'IaasVMBackupRequest', recoveryPointExpiryTimeInUTC: expiry } } });
  return s.jobEnd((await s.finished(r)).properties.jobId);
};
const move = (point, body = MOVE) => request(server, 'POST', `${s.item}/recoveryPoints/${point}/move`, { version: VERSION, body });
const moved = async (point) => {
  const r = await move(point);
  assert.equal(r.status, 202, r.text);
  assert.ok(r.headers.location.includes(`${s.itemName}/operationResults/`), r.headers.location);
  return s.jobEnd((await s.finished(r)).properties.jobId);
};
const show = async (point) => (await ok(server, 'GET', `${s.item}/recoveryPoints/${point}`, { version: VERSION })).json.properties;
const tiers = async (point) => (await show(point)).recoveryPointTierDetails.map((t) => `${t.type} ${t.status}`);
const recommended = async (body) => (await ok(server, 'POST', `${s.item}/recoveryPointsRecommendedForMove`, { version: VERSION, body })).json.value.map((p) => p.name);
const lie = (dir) => (fs.existsSync(path.join(dir, 'points')) ? fs.readdirSync(path.join(dir, 'points'), { recursive: true }).filter((n) => /\/\d+$/.test(n)).map((n) => path.basename(n)).sort() : []);
const refused = (r, code) => {
  assert.equal(r.status, 400, r.text);
  assert.equal(r.json.error.code, code, r.text);
};
const vault = (verb, ...more) => run(binary, ['vault', verb, 'vault1', ...more, '--dir', server.dir], { mayFail: true });
const json = (verb, ...more) => {
  const r = vault(verb, ...more, '--json');
  assert.equal(r.status, 0, r.stderr);
  return r.stdout.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l));
};
let groups = 0;
async function target() {
  const group = `${s.sub}/resourceGroups/thawed${groups++}`;
  await ok(server, 'PUT', group, { version: RESOURCES, body: { location: 'eastus' } });
  return group;
}
const thaw = (more = {}) => ({ objectType: 'IaasVMRestoreWithRehydrationRequest', recoveryPointRehydrationInfo: { rehydrationRetentionDuration: 'P10D', rehydrationPriority: 'High' }, ...more });

before(async () => {
  server = await Server.create({ conf: withArchive });
  archive = path.join(server.dir, 'cold');
  fs.mkdirSync(archive);
  await server.start();
  s = await Setup.create(server);
  await s.protect();
  await backup();
  first = contentHash(s.data[0]);
  for (const file of s.data) fs.writeFileSync(file, crypto.randomBytes(16 << 20), { flag: 'r+' });	// nothing of the first is left
  await backup();
  await backup(new Date(Date.now() + 170 * 86400e3).toISOString());
  points = (await s.points()).map((p) => p.name).reverse();	// oldest first
  [id] = fs.readdirSync(path.join(server.dir, 'regions/eastus/vaults'));
  hot = path.join(server.dir, 'regions/eastus/vaults', id);
});
after(() => server.destroy());

test('points that may be moved, and those that are worth it', async () => {
  assert.deepEqual((await show(points[0])).recoveryPointMoveReadinessInfo, { ArchivedRP: { isReadyForMove: true, additionalInfo: '' } });
  assert.equal((await show(points[2])).recoveryPointMoveReadinessInfo.ArchivedRP.isReadyForMove, false);
  assert.match((await show(points[2])).recoveryPointMoveReadinessInfo.ArchivedRP.additionalInfo, /less than 180 days/);
  assert.deepEqual(await recommended(), [points[1], points[0]]);
  const objectType = 'ListRecoveryPointsRecommendedForMoveRequest';
  assert.deepEqual(await recommended({ objectType, excludedRPList: [points[1]] }), [points[0]]);
  assert.deepEqual(await recommended({ excludedRPList: [`${s.item}/recoveryPoints/${points[0]}`, points[1]] }), []);
  const ready = (await ok(server, 'GET', `${s.item}/recoveryPoints?$filter=moveReadyRPOnly%20eq%20true`, { version: VERSION })).json.value;
  assert.deepEqual(ready.map((p) => p.name), [points[1], points[0]]);
});

test('moves that cannot be are refused, and start nothing', async () => {
  refused(await move(points[2]), 'MinRemainingLifeSpanInArchiveRequired');
  refused(await move(points[0], { sourceTierType: 'InstantRP', targetTierType: 'ArchivedRP' }), 'RecoveryPointTypeNotEligibleForArchive');
  for (const body of [{}, { sourceTierType: 'HardenedRP' }, { ...MOVE, targetTierType: 'HardenedRP' }, { ...MOVE, sourceTierType: 'ArchivedRP' }, { ...MOVE, sourceTierType: 7 },
    { ...MOVE, objectType: 'Other' }, { ...MOVE, objectType: [] }, { ...MOVE, targetTierType: 'Cold' }])
    refused(await move(points[0], body), 'BMSUserErrorInvalidInput');
  assert.equal((await move('123')).status, 404);
  for (const body of [{ excludedRPList: 'x' }, { excludedRPList: [7] }, { objectType: 'Other' }])
    refused(await request(server, 'POST', `${s.item}/recoveryPointsRecommendedForMove`, { version: VERSION, body }), 'BMSUserErrorInvalidInput');
  assert.deepEqual(fs.readdirSync(archive), []);
  assert.equal((await s.points()).length, 3);
});

test('a move leaves the point in the archive only, and frees what it alone needed', async () => {
  const size = json('stat')[0].chunkBytes;
  const job = await moved(points[0]);
  assert.equal(job.properties.operation, 'MoveToArchive');
  assert.deepEqual(job.properties.extendedInfo.tasksList.map((t) => [t.taskId, t.status]), [['Move recovery point to archive', 'Completed']]);
  assert.deepEqual(await tiers(points[0]), ['ArchivedRP Valid']);
  assert.deepEqual(lie(hot), points.slice(1));
  assert.deepEqual(lie(path.join(archive, 'vaults', id)), [points[0]]);
  assert.ok(json('stat')[0].chunkBytes < size, 'nothing was freed');
  assert.equal((await s.points()).length, 3);
  assert.deepEqual(await recommended(), [points[1]]);
  refused(await move(points[0]), 'UserErrorRecoveryPointAlreadyInArchiveTier');
  const info = (await ok(server, 'GET', `${s.item}?$filter=expand%20eq%20'extendedInfo'`, { version: VERSION })).json.properties.extendedInfo;
  const times = await Promise.all(points.map(async (p) => (await show(p)).recoveryPointTime));
  assert.deepEqual([info.oldestRecoveryPoint, info.oldestRecoveryPointInVault, info.oldestRecoveryPointInArchive, info.newestRecoveryPointInArchive, info.recoveryPointCount],
    [times[0], times[1], times[0], times[0], 3]);
});

test('the command line sees, verifies and reads the archive', () => {
  assert.deepEqual(json('ls').map((p) => p.point), points.slice(1));
  assert.deepEqual(json('ls', '--archive').map((p) => p.point), [points[0]]);
  assert.deepEqual(json('verify', '--archive').map((p) => [p.point, p.state]), [[points[0], 'whole']]);
  const out = path.join(server.root, 'out');
  const r = vault('restore', points[0], 'vm1-data0', out, '--archive');
  assert.equal(r.status, 0, r.stderr);
  assert.equal(contentHash(out), first);
  fs.unlinkSync(out);
  assert.match(vault('ls', '--archive', '--copy').stderr, /exclude each other/);
});

test('a restore without rehydration is refused; one with a wrong wish too', async () => {
  const targetResourceGroupId = await target();
  const ask = (more) => s.restore(points[0], 'RestoreDisks', { targetResourceGroupId, ...more });
  refused(await ask({}), 'UserErrorRecoveryPointNotRehydrated');
  for (const info of [undefined, {}, 'P10D', { rehydrationRetentionDuration: 'P9D' }, { rehydrationRetentionDuration: 'P31D' }, { rehydrationRetentionDuration: 'PT10H' },
    { rehydrationRetentionDuration: 'P00000000000000000015D' }, { rehydrationRetentionDuration: 15 }, { rehydrationRetentionDuration: 'P10D', rehydrationPriority: 'Low' }])
    refused(await ask(thaw({ recoveryPointRehydrationInfo: info })), 'BMSUserErrorInvalidInput');
  assert.deepEqual(lie(hot), points.slice(1));
  assert.deepEqual(await tiers(points[0]), ['ArchivedRP Valid']);
});

test('a restore with rehydration brings the bytes back; the point stays rehydrated', async () => {
  const group = await target();
  const job = await s.restored(points[0], 'RestoreDisks', thaw({ targetResourceGroupId: group }));
  assert.deepEqual(job.properties.extendedInfo.tasksList.map((t) => [t.taskId, t.status]), [['Rehydrate recovery point', 'Completed'], ['Transfer data from vault', 'Completed']]);
  const disks = await s.disks(path.basename(group));
  assert.equal(contentHash(disks.find((d) => d.name.includes('-datadisk-000-')).tags['holdfast:path']), first);
  assert.deepEqual(await tiers(points[0]), ['HardenedRP Valid', 'ArchivedRP Rehydrated']);
  const until = Date.parse((await show(points[0])).recoveryPointTierDetails[1].extendedInfo.RehydratedRPExpiryTime);
  assert.ok(Math.abs(until - Date.now() - 10 * 86400e3) < patience, new Date(until).toISOString());
  assert.deepEqual(lie(hot), points);
  refused(await s.restore(points[0], 'RestoreDisks', thaw({ targetResourceGroupId: group })), 'UserErrorRecoveryPointAlreadyRehydrated');
  await s.restored(points[0], 'RestoreDisks', { targetResourceGroupId: await target() });
});

test('the list of points is made anew from vault and archive', async () => {
  await server.stop();
  const db = new DatabaseSync(path.join(server.dir, 'control.db'));
  db.exec("DELETE FROM resource WHERE type LIKE '%/recoveryPoints'");
  db.close();
  const [made] = json('rebuild');
  assert.equal(made.rowsAdded, 3);
  const saved = path.join(server.root, 'saved');
  const dir = path.join(archive, 'vaults', id);
  fs.cpSync(dir, saved, { recursive: true });
  assert.equal(vault('expire', points[0], '--archive').status, 0);
  await server.start();
  assert.deepEqual(await tiers(points[0]), ['InstantRP Valid', 'HardenedRP Valid']);	// only the vault has it
  await server.stop();
  fs.rmSync(dir, { recursive: true });
  fs.renameSync(saved, dir);
  assert.equal(json('rebuild')[0].rowsAdded, 0);
  assert.equal(vault('expire', points[0]).status, 0);
  await server.start();
  assert.deepEqual(await tiers(points[0]), ['ArchivedRP Valid']);	// only the archive has it
  await s.restored(points[0], 'RestoreDisks', thaw({ targetResourceGroupId: await target() }));
  await server.stop();
  assert.equal(json('rebuild')[0].rowsAdded, 0);
  await server.start();
  assert.deepEqual((await s.points()).map((p) => p.name).sort(), points);
  assert.deepEqual(await tiers(points[0]), ['HardenedRP Valid', 'ArchivedRP Rehydrated']);
  assert.deepEqual(await tiers(points[1]), ['InstantRP Valid', 'HardenedRP Valid']);
});

test('when its time is over, a rehydrated point leaves the vault, never the archive', async () => {
  await server.stop();
  const db = new DatabaseSync(path.join(server.dir, 'control.db'));
  db.exec(`UPDATE resource SET body = json_set(body, '$.internal.archive.keepUntilUs', 1) WHERE name = '${points[0]}'`);
  db.close();
  await server.start();
  for (const end = Date.now() + patience; (await tiers(points[0])).length > 1; await sleep(50)) assert.ok(Date.now() < end, server.log());
  assert.deepEqual(await tiers(points[0]), ['ArchivedRP Valid']);
  assert.deepEqual(lie(hot), points.slice(1));
  assert.deepEqual(lie(path.join(archive, 'vaults', id)), [points[0]]);
  await server.stop();
  const db2 = new DatabaseSync(path.join(server.dir, 'control.db'));
  db2.exec(`DELETE FROM resource WHERE name = '${points[0]}'`);
  db2.close();
  assert.equal(json('rebuild')[0].rowsAdded, 1);
  await server.start();
  assert.deepEqual(await tiers(points[0]), ['ArchivedRP Valid']);
});

test('an archive that is out of reach is said, and nothing is taken for lost', async () => {
  await server.stop();
  fs.renameSync(archive, `${archive}-away`);
  assert.match(vault('rebuild').stderr, /cold', the archive of region 'eastus'/);
  await server.start();
  const r = await move(points[1]);
  const job = await s.jobEnd((await s.finished(r)).properties.jobId, 'Failed');
  assert.match(job.properties.errorDetails[0].errorString, /the archive of region 'eastus'/);
  assert.deepEqual(lie(hot), points.slice(1));
  assert.deepEqual(await tiers(points[1]), ['InstantRP Valid', 'HardenedRP Valid']);
  fs.renameSync(`${archive}-away`, archive);
  await moved(points[1]);
});

test('an item takes its archived points with it', async () => {
  await ok(server, 'PATCH', `${s.vault}/backupconfig/vaultconfig`, { version: '2019-05-13', body: { properties: { enhancedSecurityState: 'Enabled', softDeleteFeatureState: 'Disabled' } } });
  const r = await ok(server, 'DELETE', s.item, { version: VERSION });
  await s.jobEnd((await s.finished(r)).properties.jobId);
  assert.deepEqual(lie(hot), []);
  assert.deepEqual(lie(path.join(archive, 'vaults', id)), []);
  assert.deepEqual(fs.readdirSync(path.join(archive, 'vaults', id, 'packs')), []);
  await ok(server, 'DELETE', s.vault, { version: '2016-06-01' });
  assert.deepEqual(fs.readdirSync(path.join(archive, 'vaults')), []);
});
