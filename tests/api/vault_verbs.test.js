// vault_verbs.test.js - what `holdfast vault` does to a vault on its host: figures, garbage, differences,
// restores without a server, and the server's list of points made anew.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { contentHash } from './lib/images.js';
import { ok, RESOURCES, Setup } from './lib/flow.js';
import { binary, run, Server } from './lib/server.js';

let server, s, points, store, first;

before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
  await s.protect();
  await s.backup();
  first = contentHash(s.data[0]);
  fs.writeFileSync(s.data[0], Buffer.alloc(70000, 0x17), { flag: 'r+' });
  await s.backup();
  points = (await s.points()).map((p) => p.name);	// newest first
  const vaults = path.join(server.dir, 'regions/eastus/vaults');
  store = path.join(vaults, fs.readdirSync(vaults)[0]);
});
after(() => server.destroy());

const vault = (verb, ...more) => run(binary, ['vault', verb, 'vault1', ...more, '--dir', server.dir], { mayFail: true });
const json = (verb, ...more) => {
  const r = vault(verb, ...more, '--json');
  assert.equal(r.status, 0, r.stderr);
  return r.stdout.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l));
};
const packs = () => fs.readdirSync(path.join(store, 'packs'));

test('a vault that the server writes to can be read, and is busy for others who would change it', () => {
  assert.equal(json('stat')[0].points, 2);
  const gc = vault('gc');
  assert.equal(gc.status, 1);
  assert.match(gc.stderr, /in use by process \d+/);
  const rebuild = vault('rebuild');
  assert.equal(rebuild.status, 1);
  assert.match(rebuild.stderr, /server runs/);
});

test('diff tells what was written between two points', () => {
  const extents = json('diff', points[1], points[0], '--disk', 'vm1-data0');
  assert.equal(extents.length, 1);
  assert.equal(extents[0].offset, 0);
  assert.ok(extents[0].length >= 70000 && extents[0].length <= 1 << 20);
  assert.deepEqual(json('diff', points[1], points[0], '--disk', 'vm1-data1'), []);
  assert.match(vault('diff', points[1], points[0], '--disk', 'none').stderr, /no disk 'none'/);
  assert.match(vault('diff', '123', points[0]).stderr, /no point '123'/);
});

test('restore writes any format, and in place only what differs', () => {
  const out = path.join(server.root, 'out');
  for (const format of ['raw', 'qcow2', 'vhd']) {
    const r = vault('restore', points[1], 'vm1-data0', out, '--format', format);
    assert.equal(r.status, 0, r.stderr);
    if (format !== 'vhd') assert.equal(contentHash(out, format), first, format);
    else run('qemu-img', ['compare', '-f', 'vpc', '-F', 'raw', out, s.data[0]], { mayFail: true });
    fs.unlinkSync(out);
  }
  run('cp', ['--sparse=always', s.data[0], out]);
  const [known] = json('restore', points[1], 'vm1-data0', out, '--in-place', '--known', points[0]);
  assert.equal(contentHash(out), first);
  assert.equal(known.comparedBytes, 0);
  assert.ok(known.writtenBytes + known.clearedBytes <= 1 << 20);
  const [again] = json('restore', points[1], 'vm1-data0', out, '--in-place');
  assert.equal(again.writtenBytes + again.clearedBytes, 0);
  assert.ok(again.comparedBytes > 0);
  fs.unlinkSync(out);
});

test('a restore that cannot be leaves nothing', () => {
  const out = path.join(server.root, 'none');
  assert.match(vault('restore', points[0], 'nodisk', out).stderr, /no disk 'nodisk'; it has: 'vm1-os'/);
  assert.match(vault('restore', points[0], 'vm1-os', out, '--format', 'vmdk').stderr, /no format/);
  assert.match(vault('restore', points[0], 'vm1-os', out, '--known', points[1]).stderr, /--in-place/);
  assert.ok(!fs.existsSync(out));
  fs.writeFileSync(out, 'mine');
  assert.equal(vault('restore', points[0], 'vm1-os', out).status, 1);
  assert.match(vault('restore', points[0], 'vm1-os', out, '--in-place').stderr, /4 bytes/);
  assert.equal(fs.readFileSync(out, 'utf8'), 'mine');
});

test('verify notes what it found, and can go on', () => {
  assert.equal(json('ls')[0].state, 'unverified');
  for (const row of json('verify', '--rate', '2000')) assert.equal(row.state, 'whole');
  const [row] = json('ls');
  assert.equal(row.state, 'whole');
  assert.equal(row.verified.coveredBytes, row.verified.totalBytes);
  const at = row.verified.at;
  assert.equal(json('verify', '--resume').length, 2);
  assert.equal(json('ls')[0].verified.at, at);	// nothing was left to do
});

test('words that make no sense are refused', () => {
  for (const bad of [['frob'], ['restore', 'x'], ['verify', '--rate', 'x'], ['gc', '--compact', '101'], ['ls', '--nope']])
    assert.equal(vault(...bad).status, 2, bad.join(' '));
});

test('gc frees what deleted points needed', async () => {
  await server.stop();
  const stray = path.join(store, 'packs', 'ab'.repeat(16));
  fs.writeFileSync(stray, 'a pack that never was');
  const [r] = json('gc');
  assert.equal(r.points, 2);
  assert.equal(r.missingChunks, 0);
  assert.ok(!fs.existsSync(stray));
  await server.start();
  await ok(server, 'PATCH', `${s.vault}/backupconfig/vaultconfig`, { version: '2019-05-13', body: { properties: { enhancedSecurityState: 'Enabled', softDeleteFeatureState: 'Disabled' } } });
  await s.finished(await ok(server, 'DELETE', s.item, { version: '2019-05-13' }));
  assert.deepEqual(packs(), []);	// the job that deletes an item also collects
});

test('rebuild lists what the vault has', async () => {
  await s.protect();
  await s.backup();
  const before = (await s.points()).map((p) => p.name);
  await server.stop();
  run('python3', ['-c', `import sqlite3,sys
c=sqlite3.connect(sys.argv[1]); c.execute("delete from resource where id like '%/recoverypoints/%'"); c.commit()`, path.join(server.dir, 'control.db')]);
  const [r] = json('rebuild');
  assert.equal(r.rowsAdded, 1);
  await server.start();
  assert.deepEqual((await s.points()).map((p) => p.name), before);
  const target = `${s.sub}/resourceGroups/rebuilt`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  await s.restored(before[0], 'RestoreDisks', { targetResourceGroupId: target });
});

test('a backup waits while another process writes to the vault', async () => {
  await server.stop();
  const holder = spawn('flock', [path.join(store, '#lock'), 'sh', '-c', 'echo held; exec sleep 3'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  await server.start();
  const began = Date.now();
  await s.backup();
  assert.ok(Date.now() - began > 1000, 'it waited');
  assert.equal(holder.exitCode ?? 0, 0);
});

test('a key is exported, and imported if it is the right one', async () => {
  const file = path.join(server.root, 'key'), key = vault('export-key').stdout;
  await server.stop();
  fs.writeFileSync(file, `${'0'.repeat(64)}\n`, { mode: 0o600 });
  assert.match(vault('import-key', file).stderr, /wrong key/);
  fs.writeFileSync(file, 'no key');
  assert.match(vault('import-key', file).stderr, /does not hold a key/);
  fs.writeFileSync(file, key);
  // another master key, as in a data directory that was made anew
  const master = path.join(server.dir, 'keys/master.key'), hex = fs.readFileSync(master, 'utf8');
  fs.writeFileSync(master, (hex[0] === '0' ? '1' : '0') + hex.slice(1));
  assert.equal(vault('ls').status, 1);
  const r = vault('import-key', file);
  assert.equal(r.status, 0, r.stderr);
  assert.equal(json('ls').length, 2);
});
