// vault.test.js - the vault as a thing of its own: listed, verified and read without the server, and
// by an independent reader that knows nothing but docs/format.md.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { contentHash } from './lib/images.js';
import { ok, RESOURCES, Setup } from './lib/flow.js';
import { binary, run, Server } from './lib/server.js';

const reader = path.resolve(import.meta.dirname, '../../tools/read-vault');
let server, s, points, store, key;

before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
  await s.protect();
  await s.backup();
  fs.writeFileSync(s.data[0], Buffer.alloc(70000, 0x17), { flag: 'r+' });
  await s.backup();
  points = (await s.points()).map((p) => p.name);
  const vaults = path.join(server.dir, 'regions/eastus/vaults');
  store = path.join(vaults, fs.readdirSync(vaults)[0]);
  key = path.join(server.root, 'key');
});
after(() => server.destroy());

const vault = (verb, ...more) => run(binary, ['vault', verb, 'vault1', '--dir', server.dir, ...more], { mayFail: true });

test('ls lists what the API lists', () => {
  const rows = vault('ls', '--json').stdout.trim().split('\n').map((l) => JSON.parse(l));
  assert.deepEqual(rows.map((r) => r.point).sort(), [...points].sort());
  assert.equal(rows[0].item, s.item.toLowerCase());
  assert.equal(rows[0].disks.length, 3);
  const none = run(binary, ['vault', 'ls', 'nothere', '--dir', server.dir], { mayFail: true });
  assert.equal(none.status, 1);
  assert.match(none.stderr, /nothere/);
});

test('verify reads everything', () => {
  const r = vault('verify');
  assert.equal(r.status, 0, r.stderr);
  assert.equal(r.stdout.match(/ whole /g).length, 2);
});

test('an independent reader restores each disk of each point', (t) => {
  const r = vault('export-key');
  assert.match(r.stdout, /^[0-9a-f]{64}\n$/);
  fs.writeFileSync(key, r.stdout, { mode: 0o600 });
  const list = run(reader, [store, key]).stdout.trim().split('\n').map((l) => l.split('\t'));
  assert.deepEqual(list.map((l) => l[0]).sort(), [...points].sort());
  const out = path.join(server.root, 'out.img');
  for (const [disk, file, format] of [['vm1-os', s.os, 'qcow2'], ['vm1-data0', s.data[0], 'raw'], ['vm1-data1', s.data[1], 'raw']]) {
    run(reader, [store, key, points[0], disk, out]);
    assert.equal(contentHash(out), contentHash(file, format), disk);
    fs.unlinkSync(out);
  }
  fs.writeFileSync(key, `${'0'.repeat(64)}\n`);
  const wrong = run(reader, [store, key], { mayFail: true });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /wrong key/);
});

test('a flipped bit is found, named, and never restored', async () => {
  await server.stop();
  // the largest pack is the first backup's: the oldest point needs its first record
  const [pack] = fs.readdirSync(path.join(store, 'packs')).map((n) => path.join(store, 'packs', n))
    .sort((a, b) => fs.statSync(b).size - fs.statSync(a).size);
  const bytes = fs.readFileSync(pack);
  bytes[300] ^= 4;	// inside the first record
  fs.writeFileSync(pack, bytes);
  const r = vault('verify');
  assert.equal(r.status, 1);
  assert.match(r.stderr, /[0-9a-f]{32}/);
  await server.start();
  const target = `${s.sub}/resourceGroups/damaged`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  const op = await s.finished(await s.restore(points.at(-1), 'RestoreDisks', { targetResourceGroupId: target }));
  const job = await s.jobEnd(op.properties.jobId, 'Failed');
  assert.match(job.properties.errorDetails[0].errorString, /chunk|pack/);
  assert.deepEqual(await s.disks('damaged'), []);
  bytes[300] ^= 4;
  fs.writeFileSync(pack, bytes);
  await s.restored(points.at(-1), 'RestoreDisks', { targetResourceGroupId: target });
});

test('the reader reads the golden vaults, and docs/format.md shows their bytes', () => {
  const root = path.resolve(import.meta.dirname, '../..'), golden = path.join(root, 'tests/golden/v1'), key = path.join(server.root, 'golden-key');
  fs.writeFileSync(key, `${Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('hex')}\n`);
  assert.deepEqual(run(reader, [golden, key]).stdout.trim().split('\n').map((l) => l.split('\t')[0]), ['p1', 'p2']);
  const out = path.join(server.root, 'golden.img');
  run(reader, [golden, key, 'p2', 'a disk', out]);
  assert.equal(fs.readFileSync(out).subarray(0, 12).toString(), 'holdfast g!l');
  assert.equal(fs.statSync(out).size, 5 * 262144 + 512);
  const files = fs.readdirSync(golden, { recursive: true }).map((f) => path.join(golden, f)).filter((f) => fs.statSync(f).isFile()).map((f) => fs.readFileSync(f));
  const shown = fs.readFileSync(path.join(root, 'docs/format.md'), 'utf8').split('## A vault in hexadecimal')[1];
  const blocks = [...shown.matchAll(/```\n([^`]*)```/g)].map((m) => m[1].trim().split('\n').map((l) => [parseInt(l, 16), Buffer.from(l.slice(10, 58).replaceAll(' ', ''), 'hex')]));
  const there = blocks.filter((b) => files.some((f) => b.every(([at, bytes]) => f.subarray(at, at + bytes.length).equals(bytes))));
  assert.equal(blocks.length, 7);
  assert.equal(there.length, 4);	// the other three are shown opened
});
