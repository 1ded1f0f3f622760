// archive_crash.test.js - kill -9 at every step of a move into the archive tier and of a rehydration, and steps that
// fail: at every moment the vault or the archive has the whole point, and the job goes on or takes back what it did.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ok, RESOURCES, Setup } from './lib/flow.js';
import { request } from './lib/http.js';
import { contentHash } from './lib/images.js';
import { binary, run, Server } from './lib/server.js';

const VERSION = '2023-01-01';
let server, s, hot, cold, hash, point;

before(async () => {
  server = await Server.create({ conf: (text) => text.replace('#archive =', 'archive = cold').replace(/^archive_after = .*/m, 'archive_after = 0') });
  fs.mkdirSync(path.join(server.dir, 'cold'));
  await server.start();
  s = await Setup.create(server);
  await s.protect();
  hash = contentHash(s.data[0]);
  const [id] = fs.readdirSync(path.join(server.dir, 'regions/eastus/vaults'));
  hot = path.join(server.dir, 'regions/eastus/vaults', id);
  cold = path.join(server.dir, 'cold/vaults', id);
});
after(() => server.destroy());

// The server dies at `place` while it does what `act` asks for; then whoever has the point gives all of it back.
async function dies(place, act) {
  await server.stop();
  await server.start(`${place}=kill`);
  try {
    await act();
  } catch (e) {
    if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(e.code)) throw e;
  }
  assert.equal((await server.died()).signal, 'SIGKILL', place);
  const out = path.join(server.root, 'out');
  const has = (dir) => fs.existsSync(path.join(dir, 'points')) && fs.readdirSync(path.join(dir, 'points'), { recursive: true }).some((n) => path.basename(n) === point);
  const sides = [...(has(hot) ? [[]] : []), ...(has(cold) ? [['--archive']] : [])];
  assert.ok(sides.length > 0, `${place}: the point is nowhere`);
  for (const side of sides) {
    run(binary, ['vault', 'restore', 'vault1', point, 'vm1-data0', out, ...side, '--dir', server.dir]);
    assert.equal(contentHash(out), hash, place);
    fs.unlinkSync(out);
  }
  await server.start();
  const [job] = (await ok(server, 'GET', `${s.vault}/backupJobs`, { version: VERSION })).json.value;
  await s.jobEnd(job.name);
}

const tiers = async () => (await ok(server, 'GET', `${s.item}/recoveryPoints/${point}`, { version: VERSION })).json.properties.recoveryPointTierDetails.map((t) => `${t.type} ${t.status}`);
const lies = (dir) => fs.readdirSync(path.join(dir, 'points'), { recursive: true }).some((n) => path.basename(n) === point);
const move = () => request(server, 'POST', `${s.item}/recoveryPoints/${point}/move`, { version: VERSION, body: { sourceTierType: 'HardenedRP', targetTierType: 'ArchivedRP' } });
const places = (kind, steps) => steps.flatMap((step) => ['before', 'unsaved', 'after'].map((at) => `${kind}/${step}/${at}`));

const backUp = async () => {
  const r = await ok(server, 'POST', `${s.item}/backup`, { version: VERSION, body: { properties: { objectType: 'IaasVMBackupRequest', recoveryPointExpiryTimeInUTC: '2199-01-01T00:00:00Z' } } });
  await s.jobEnd((await s.finished(r)).properties.jobId);
  [{ name: point }] = await s.points();
};

for (const place of ['copy/point', 'move/listed', ...places('move', ['copy', 'publish']), 'move/collect/before'])
  test(`a move killed at ${place}`, async () => {
    await backUp();
    await dies(place, move);
    assert.deepEqual(await tiers(), ['ArchivedRP Valid']);
    assert.equal(lies(hot), false);
    assert.equal(lies(cold), true);
  });

// A step that fails: the point is where its row says, whatever was done before.
for (const place of ['copy/point', 'move/copy/unsaved', 'move/listed', 'move/publish/unsaved', 'move/collect/before'])
  test(`a move that fails at ${place}`, async () => {
    await backUp();
    await server.stop();
    await server.start(`${place}=error`);
    const job = await s.jobEnd((await s.finished(await move())).properties.jobId, 'Failed');
    const gone = !lies(hot);
    assert.equal(gone, ['move/publish/unsaved', 'move/collect/before'].includes(place));
    assert.deepEqual(await tiers(), gone ? ['ArchivedRP Valid'] : ['InstantRP Valid', 'HardenedRP Valid']);
    assert.equal(lies(cold), gone);
    if (gone) assert.match(JSON.stringify(job.properties.errorDetails), /was moved already, and stays in the archive/);
    await server.stop();
    await server.start();
    if (!gone) await s.jobEnd((await s.finished(await move())).properties.jobId);
    assert.equal(lies(cold), true);
  });

test('a move that is cancelled leaves the point in the vault', async () => {
  await backUp();
  await server.stop();
  await server.start('move/copy/after=sleep:1000');
  const r = await move();
  assert.equal(r.status, 202, r.text);
  const [{ name: job }] = (await ok(server, 'GET', `${s.vault}/backupJobs`, { version: VERSION })).json.value;
  await ok(server, 'POST', `${s.vault}/backupJobs/${job}/cancel`, { version: VERSION });
  await s.jobEnd(job, 'Cancelled');
  assert.deepEqual(await tiers(), ['InstantRP Valid', 'HardenedRP Valid']);
  assert.ok(lies(hot) && !lies(cold));
  await server.stop();
  await server.start();
  await s.jobEnd((await s.finished(await move())).properties.jobId);
});

// Each of another point, for the first leaves its own rehydrated.
let n = 0;
for (const place of ['copy/point', ...places('restore', ['rehydrate'])])
  test(`a rehydration killed at ${place}`, async () => {
    point = (await s.points())[n].name;
    const targetResourceGroupId = `${s.sub}/resourceGroups/thawed${n++}`;
    await ok(server, 'PUT', targetResourceGroupId, { version: RESOURCES, body: { location: 'eastus' } });
    await dies(place, () => s.restore(point, 'RestoreDisks', { targetResourceGroupId, objectType: 'IaasVMRestoreWithRehydrationRequest',
      recoveryPointRehydrationInfo: { rehydrationRetentionDuration: 'P15D', rehydrationPriority: 'Standard' } }));
    assert.deepEqual(await tiers(), ['HardenedRP Valid', 'ArchivedRP Rehydrated']);
    assert.ok(lies(hot) && lies(cold));
    assert.equal(contentHash((await s.disks(path.basename(targetResourceGroupId))).find((d) => d.name.includes('-datadisk-000-')).tags['holdfast:path']), hash);
  });
