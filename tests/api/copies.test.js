// copies.test.js - a vault's copy in the paired region, seen on its host: `holdfast vault` with --copy, and
// damage on either side that the other side mends.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ok, Setup, V } from './lib/flow.js';
import { contentHash } from './lib/images.js';
import { binary, patience, run, Server, sleep } from './lib/server.js';

let server, s, points, first, store, copy, id;

const vault = (verb, ...more) => run(binary, ['vault', verb, ...more, '--dir', server.dir], { mayFail: true });
const json = (verb, ...more) => {
  const r = vault(verb, ...more, '--json');
  assert.equal(r.status, 0, r.stderr);
  return r.stdout.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l));
};
const names = (dir) => (fs.existsSync(dir) ? fs.readdirSync(dir, { recursive: true }).filter((n) => /\/\d+$/.test(n)).sort() : []);

async function until(what, fn) {
  for (const end = Date.now() + patience; ; await sleep(100)) {
    if (fn()) return;
    assert.ok(Date.now() < end, `waited in vain for ${what}`);
  }
}

// One bit of every sealed chunk that lies at a multiple of 100 kB in a pack.
function damage(dir) {
  for (const name of fs.readdirSync(path.join(dir, 'packs'))) {
    const fd = fs.openSync(path.join(dir, 'packs', name), 'r+'), b = Buffer.alloc(1);
    for (let at = 5000; at < fs.fstatSync(fd).size - 20000; at += 100000) {
      fs.readSync(fd, b, 0, 1, at);
      b[0] ^= 2;
      fs.writeSync(fd, b, 0, 1, at);
    }
    fs.closeSync(fd);
  }
}

before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
  await ok(server, 'PUT', `${s.vault}/backupstorageconfig/vaultstorageconfig`, { version: V, body: { properties: { storageModelType: 'GeoRedundant', crossRegionRestoreFlag: true } } });
  await s.protect();
  await s.backup();
  first = contentHash(s.data[0]);
  fs.writeFileSync(s.data[0], Buffer.alloc(70000, 0x17), { flag: 'r+' });
  await s.backup();
  points = (await s.points()).map((p) => p.name);	// newest first
  const vaults = path.join(server.dir, 'regions/eastus/vaults');
  id = fs.readdirSync(vaults)[0];
  store = path.join(vaults, id);
  copy = path.join(server.dir, 'regions/westus/vaults', id);
  await until('the copy', () => names(path.join(copy, 'points')).length === 2);
});
after(() => server.destroy());

test('the copy lists the same points, and is told apart', () => {
  assert.deepEqual(json('ls', 'vault1', '--copy').map((r) => r.point), json('ls', 'vault1').map((r) => r.point));
  assert.deepEqual(names(path.join(copy, 'points')), names(path.join(store, 'points')));
  assert.match(vault('rebuild', 'vault1', '--copy').stderr, /server runs/);
  assert.match(vault('ls', 'vault9').stderr, /no vault is called 'vault9', nor is there a copy/);
});

test('a restore reads from the copy what is damaged in the vault, and the server mends it', async () => {
  const out = path.join(server.root, 'mended');
  damage(store);
  assert.equal(vault('verify', 'vault1').status, 1);	// it says so, whoever could mend it
  const r = vault('restore', 'vault1', points[1], 'vm1-data0', out);
  assert.equal(r.status, 0, r.stderr);
  assert.equal(contentHash(out), first);
  fs.unlinkSync(out);
  await server.stop();	// a server that starts looks at once
  await server.start();
  await until('the vault to be whole', () => vault('verify', 'vault1').status === 0);
});

test('verify mends by itself while no server has the vault', async () => {
  await server.stop();
  damage(copy);
  const r = vault('verify', 'vault1', '--copy');
  assert.equal(r.status, 1);
  assert.match(r.stderr, /(\d+) of \1 damaged chunks were mended from the other copy/);
  await until('the copy to be whole', () => vault('verify', 'vault1', '--copy').status === 0);
});

test('with the first region gone, the copy gives everything, and its key', () => {
  const out = path.join(server.root, 'alone');
  const key = vault('export-key', 'vault1').stdout;
  fs.rmSync(path.join(server.dir, 'regions/eastus'), { recursive: true });
  assert.equal(vault('restore', 'vault1', points[1], 'vm1-data0', out).status, 1);
  const r = vault('restore', 'vault1', points[1], 'vm1-data0', out, '--copy');
  assert.equal(r.status, 0, r.stderr);
  assert.equal(contentHash(out), first);
  assert.match(key, /^[0-9a-f]{64}\n$/);
  assert.equal(vault('export-key', 'vault1', '--copy').stdout, key);
});
