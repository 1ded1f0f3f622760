// two_servers.test.js - two servers of a region pair, each of which keeps copies of its vaults in the other's store.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ok, Setup, V } from './lib/flow.js';
import { binary, patience, run, Server, sleep } from './lib/server.js';

let a, b, s, t;	// servers of eastus and westus, and a VM with its vault on each

const status = (server) => run(binary, ['region', 'status', server.dir, '--json'], { mayFail: true });
const store = (server, name) => path.join(server.dir, 'regions', name);

async function until(what, fn) {
  const end = Date.now() + patience;
  for (;;) {
    const r = await fn();
    if (r) return r;
    if (Date.now() > end) throw new Error(`never: ${what}\n${status(a).stdout}\n${a.log()}`);
    await sleep(50);
  }
}

// What holdfast.conf says of the other server's region.
function meet(server, other, name) {
  const file = path.join(server.dir, 'holdfast.conf');
  const conf = fs.readFileSync(file, 'utf8').replace(new RegExp(`\\n\\[region ${name}\\]\\n[^[]*`), '\n');
  fs.writeFileSync(file, `${conf}\n[region ${name}]\nserver = ${other.url}\nstore = ${store(other, name)}\n`);
}

before(async () => {
  a = await Server.create();
  const file = path.join(a.root, 'a.json');
  fs.writeFileSync(file, run(binary, ['region', 'export', a.dir, 'eastus', '--with-secrets']).stdout);
  b = await Server.create({ init: ['--pair', file] });
  meet(a, b, 'westus');
  meet(b, a, 'eastus');
  await Promise.all([a.start(), b.start()]);
  s = await Setup.create(a, 'vm1');
  t = await Setup.create(b, 'vm2', { region: 'westus', rg: 'rg2', vault: 'vault2', account: 'staging2' });
  for (const x of [s, t]) {
    await ok(x.server, 'PATCH', `${x.vault}/backupstorageconfig/vaultstorageconfig`, { version: V,
      body: { properties: { crossRegionRestoreFlag: true } } });
    await x.protect();
    await x.backup();
  }
});
after(async () => {
  await a.destroy();
  await b.destroy();
});

const held = (server, id) => JSON.parse(status(server).stdout).copies.find((c) => c.id === id);

test('each server tells of its vault, and of the copy of the other\'s', async () => {
  for (const [mine, theirs, x] of [[a, b, t], [b, a, s]]) {
    const copy = await until('a copy with its point', () => held(mine, x.vault)?.points === 1 && held(mine, x.vault));
    assert.equal(copy.region, x.region);
    assert.ok(copy.bytes > 1 << 20);
    assert.ok(copy.newestPointAgeSeconds >= 0 && copy.newestPointAgeSeconds < 600);
    const doc = JSON.parse(status(theirs).stdout);
    assert.deepEqual(doc.vaults.map((v) => [v.id, v.points, v.missing]), [[x.vault, 1, 0]]);
  }
});

test('while the other server is down copies are kept up to date, for only its store is needed', async () => {
  await b.stop();
  fs.writeFileSync(s.data[1], Buffer.alloc(200000, 0x2b), { flag: 'r+' });
  await s.backup();
  await until('the second point', () => held(b, s.vault)?.points === 2);
  await b.start();
});

test('a store that is not there is an error, and is not made', async () => {
  const dir = store(b, 'westus'), aside = `${dir}.aside`;
  await b.stop();
  fs.renameSync(dir, aside);
  await s.backup();
  await until('a failure', async () => {
    const r = await ok(a, 'GET', '/-/metrics');
    return /^holdfast_replication_failures_total\{.*\} [1-9]/m.test(r.text);
  });
  assert.equal(fs.existsSync(dir), false);
  fs.renameSync(aside, dir);
  await until('the third point', () => held(b, s.vault)?.points === 3);
  await b.start();
});

test('nothing of the first server is needed to read the copy', async () => {
  await a.stop();
  fs.rmSync(a.dir, { recursive: true });
  const r = status(b), doc = JSON.parse(r.stdout);
  assert.equal(r.status, 3);	// its own vault's copy was in the first server's store
  assert.deepEqual(doc.vaults.map((v) => [v.id, v.isCopied]), [[t.vault, false]]);
  assert.deepEqual(doc.copies.map((c) => [c.id, c.points]), [[s.vault, 3]]);
  const text = run(binary, ['region', 'status', b.dir], { mayFail: true }).stdout;
  assert.match(text, /vault1 +westus <- eastus +3 points, the newest \d+ (s|min) old/);

  const conf = path.join(b.dir, 'holdfast.conf');
  fs.writeFileSync(conf, fs.readFileSync(conf, 'utf8').replace(`store = ${store(a, 'eastus')}\n`, ''));
  for (const verb of ['status', 'verify']) {
    const none = run(binary, ['region', verb, b.dir, '--json'], { mayFail: true });
    assert.equal(none.status, 1);
    assert.match(JSON.parse(none.stdout).vaults[0].error, /out of this server's reach/);
  }
});
