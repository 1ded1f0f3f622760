// pairing.test.js - two servers of a region pair get acquainted, and neither touches what is the other's.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { COMPUTE, ok, RESOURCES, STORAGE, VAULTS } from './lib/flow.js';
import { request } from './lib/http.js';
import { makeRaw, MiB } from './lib/images.js';
import { binary, run, Server } from './lib/server.js';

let a, b, secrets;	// servers of eastus and westus; the file that b was made from

const region = (...args) => run(binary, ['region', ...args], { mayFail: true });
const principal = (server, ...args) => {
  const out = run(binary, ['principal', ...args, '--dir', server.dir, '--json']).stdout;
  return out && JSON.parse(out);
};
const refused = (r, pattern) => {
  assert.equal(r.status, 1, r.stdout);
  assert.match(r.stderr, pattern);
};
const mode = (file) => fs.statSync(file).mode & 0o777;
const text = (server, name) => fs.readFileSync(path.join(server.dir, name), 'utf8');

// Write `lines` as what holdfast.conf of `server` says of `name`.
function configure(server, name, ...lines) {
  const conf = text(server, 'holdfast.conf').replace(new RegExp(`\\n\\[region ${name}\\]\\n[^[]*`), '\n');
  fs.writeFileSync(path.join(server.dir, 'holdfast.conf'), `${conf}\n[region ${name}]\n${lines.join('\n')}\n`);
}

// The server runs while `fn` does.
async function serving(server, fn) {
  await server.start();
  try {
    return await fn();
  } finally {
    await server.stop();
  }
}

function exported(server, name, ...options) {
  const file = path.join(server.root, `${name}.json`);
  const out = fs.openSync(file, 'w', 0o644);
  run(binary, ['region', 'export', server.dir, name, ...options], { stdio: ['ignore', out, 'pipe'] });
  fs.closeSync(out);
  return file;
}

before(async () => {
  a = await Server.create();
  const pem = path.join(a.root, 'client.pem');
  run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=ci', '-keyout', `${pem}.key`, '-out', pem], { stdio: 'pipe' });
  principal(a, 'add', 'ci', '--expires', '3');
  principal(a, 'add', '--to', 'ci', '--certificate', pem);
  principal(a, 'add', '--to', 'ci', '--issuer', 'https://id.example', '--subject', 'ci');
  secrets = exported(a, 'eastus', '--with-secrets');
  b = await Server.create({ init: ['--pair', secrets] });
});
after(async () => {
  await a.destroy();
  await b.destroy();
});

test('an export says what is public; with secrets it is closed to others', () => {
  const plain = exported(b, 'westus', '--server', 'https://west.example.net');
  const doc = JSON.parse(fs.readFileSync(plain));
  assert.equal(doc.region, 'westus');
  assert.equal(doc.server, 'https://west.example.net');
  assert.equal(doc.keys[0].kty, 'RSA');
  for (const secret of ['d', 'p', 'q']) assert.ok(!(secret in doc.keys[0]), secret);
  assert.ok(!('secrets' in doc));
  assert.equal(mode(plain), 0o644);
  assert.equal(mode(secrets), 0o600);
  assert.equal(JSON.parse(fs.readFileSync(secrets)).secrets.pairKey, text(a, 'keys/pair.key').trim());
});

test('the second server has the first one\'s tenant, subscription, key and principals', async () => {
  assert.equal(b.tenant, a.tenant);
  assert.equal(b.subscription, a.subscription);
  assert.equal(text(b, 'keys/pair.key'), text(a, 'keys/pair.key'));
  assert.notEqual(text(b, 'keys/master.key'), text(a, 'keys/master.key'));
  assert.notEqual(text(b, 'keys/token.key'), text(a, 'keys/token.key'));
  assert.deepEqual(JSON.parse(text(b, 'keys/peers/eastus.json')).keys, JSON.parse(fs.readFileSync(secrets)).keys);
  assert.equal(mode(path.join(b.dir, 'keys/peers/eastus.json')), 0o600);
  assert.deepEqual(principal(a, 'show', 'ci').credentials.map((k) => k.kind).sort(), ['certificate', 'federated', 'secret']);
  assert.deepEqual(principal(b, 'list'), principal(a, 'list'));
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: a.env.HOLDFAST_CLIENT_ID,
    client_secret: a.env.HOLDFAST_CLIENT_SECRET, scope: 'https://management.azure.com/.default' });
  await serving(b, async () => {
    const login = await request(b, 'POST', `/${a.tenant}/oauth2/v2.0/token`, { token: null, body: form.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    assert.equal(login.status, 200, login.text);
    const { value } = (await ok(b, 'GET', `/subscriptions/${b.subscription}/locations`,
      { version: RESOURCES, token: login.json.access_token })).json;
    assert.deepEqual(value.map((l) => [l.name, l.metadata.pairedRegion[0].name]), [['westus', 'eastus'], ['eastus', 'westus']]);
  });
});

test('an import wants a region that is the other server\'s, and nothing of its own there', async () => {
  const file = exported(b, 'westus');
  refused(region('import', a.dir, file), /region 'westus' is this server's own.*'server = https:\/\/localhost:\d+'/);
  const group = `/subscriptions/${a.subscription}/resourceGroups/g`;
  const account = `${group}/providers/Microsoft.Storage/storageAccounts/left1`;
  await serving(a, async () => {
    await ok(a, 'PUT', group, { version: RESOURCES, body: { location: 'eastus' } });
    await ok(a, 'PUT', account, { version: STORAGE, body: { location: 'westus', sku: { name: 'Standard_LRS' }, kind: 'StorageV2', properties: {} } });
    configure(a, 'westus', `server = ${b.url}`);
    refused(region('import', a.dir, file), /1 Microsoft.Storage\/storageAccounts in region 'westus'/);
    await ok(a, 'DELETE', account, { version: STORAGE });
  });
  assert.ok(!fs.existsSync(path.join(a.dir, 'keys/peers')));
  const r = region('import', a.dir, file);
  assert.equal(r.status, 0, r.stderr);
  assert.deepEqual(JSON.parse(text(a, 'keys/peers/westus.json')).keys, JSON.parse(fs.readFileSync(file)).keys);
  refused(region('export', a.dir, 'westus'), /'westus' is served by https:/);
  refused(region('export', a.dir, 'mars'), /'mars' is not configured/);
});

test('changes of principals are taken over, with the administrator\'s secret', () => {
  principal(a, 'add', 'only here');
  principal(b, 'rotate', 'ci', '--overlap', '0');
  principal(b, 'rotate', 'admin');
  principal(b, 'add', 'new');
  refused(region('import', a.dir, exported(b, 'westus'), '--principals'), /--principals: the file has none/);
  const file = exported(b, 'westus', '--with-secrets');
  const roles = () => JSON.parse(run(binary, ['role', 'list', a.dir, '--principal', 'ci', '--json']).stdout);
  run(binary, ['role', 'assign', a.dir, '--principal', 'ci', '--role', 'Backup Operator']);
  const had = roles();
  for (let i = 0; i < 2; i++) {
    const r = region('import', a.dir, file, '--principals');
    assert.equal(r.status, 0, r.stderr);
    assert.deepEqual(principal(a, 'list').filter((p) => p.name !== 'only here'), principal(b, 'list'));
    assert.equal(principal(a, 'show', 'only here').credentials.length, 1);
    assert.deepEqual(roles(), had, 'roles are each server\'s own');
  }
  const secret = (server) => text(server, 'admin.env').match(/^HOLDFAST_CLIENT_SECRET=(.*)$/m)[1];
  assert.equal(secret(a), secret(b));
  principal(a, 'add', 'thief', '--issuer', 'https://id.example', '--subject', 'late');
  principal(b, 'add', '--to', 'new', '--issuer', 'https://id.example', '--subject', 'late');
  const before = principal(a, 'list');
  refused(region('import', a.dir, exported(b, 'westus', '--with-secrets'), '--principals'), /there is one of this id or subject already/);
  assert.deepEqual(principal(a, 'list'), before);
});

test('nothing comes to be in a region of another server', async () => {
  const store = path.join(b.dir, 'regions/westus');
  const before = fs.readdirSync(store, { recursive: true });
  const g = `/subscriptions/${a.subscription}/resourceGroups/g/providers`;
  const image = makeRaw(path.join(a.images, 'd.img'), MiB, 'd');
  configure(a, 'westus', `server = ${b.url}`, `store = ${store}`);
  await serving(a, async () => {
    for (const [id, version, body] of [
      ['Microsoft.Compute/disks/d', COMPUTE, { properties: { creationData: { createOption: 'Attach', sourceUri: `file://${image}` } } }],
      ['Microsoft.Storage/storageAccounts/acc1', STORAGE, { sku: { name: 'Standard_LRS' }, kind: 'StorageV2', properties: {} }],
      ['Microsoft.RecoveryServices/vaults/vault1', VAULTS, { sku: { name: 'Standard' }, properties: {} }],
    ]) {
      const r = await request(a, 'PUT', `${g}/${id}`, { version, body: { location: 'West US', ...body } });
      assert.equal(r.status, 400, r.text);
      assert.equal(r.json.error.code, 'LocationNotAvailableForResourceType');
      assert.ok(r.json.error.message.includes(`'westus' is served by ${b.url}`), r.text);
      assert.equal((await request(a, 'GET', `${g}/${id}`, { version })).status, 404);
    }
  });
  assert.deepEqual(fs.readdirSync(store, { recursive: true }), before);
});

test('cross-region restore needs the store of the pair in reach', async () => {
  const vault = `/subscriptions/${a.subscription}/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/vault1`;
  const flag = () => request(a, 'PATCH', `${vault}/backupstorageconfig/vaultstorageconfig`, { version: '2023-02-01',
    body: { properties: { crossRegionRestoreFlag: true } } });
  configure(a, 'westus', `server = ${b.url}`);
  await serving(a, async () => {
    await ok(a, 'PUT', vault, { version: VAULTS, body: { location: 'eastus', sku: { name: 'Standard' }, properties: {} } });
    const r = await flag();
    assert.equal(r.status, 400, r.text);
    assert.match(r.json.error.message, /crossRegionRestoreFlag: the store of 'westus', the paired region of 'eastus', is out of this server's reach/);
  });
  configure(a, 'westus', `server = ${b.url}`, `store = ${path.join(b.dir, 'regions/westus')}`);
  await serving(a, async () => assert.ok((await flag()).status < 300));
});

test('who is not of the pair is refused', async () => {
  const stranger = await Server.create();
  try {
    refused(region('import', a.dir, exported(stranger, 'westus')), /the other server's tenant is '[0-9a-f-]+', this one's '[0-9a-f-]+'/);
    const doc = { ...JSON.parse(fs.readFileSync(exported(b, 'westus'))), subscription: stranger.subscription };
    const file = path.join(stranger.root, 'changed.json');
    fs.writeFileSync(file, JSON.stringify(doc));
    refused(region('import', a.dir, file), /the other server's subscription is/);
    refused(region('import', a.dir, path.join(stranger.root, 'none')), /none/);
    refused(run(binary, ['init', path.join(stranger.root, 'c'), '--pair', file], { mayFail: true }), /has no secrets/);
    refused(run(binary, ['init', path.join(stranger.root, 'c'), '--pair', secrets, '--region', 'eastus'], { mayFail: true }), /--region: 'eastus' is the first server's/);
    assert.ok(!fs.existsSync(path.join(stranger.root, 'c')));
  } finally {
    await stranger.destroy();
  }
});

test('another pair key is taken only when told to, and never under copies', () => {
  const file = exported(b, 'westus', '--with-secrets');
  const copy = path.join(b.dir, 'regions/westus/vaults/0b0f5a3e-5f3a-4d1e-9a44-6f3a2f0c7a11');
  const kept = text(a, 'keys/pair.key');
  configure(a, 'westus', `server = ${b.url}`, `store = ${path.join(b.dir, 'regions/westus')}`);
  assert.equal(region('import', a.dir, file).status, 0);	// the same key
  const other = `${'5a'.repeat(32)}\n`;
  fs.writeFileSync(path.join(a.dir, 'keys/pair.key'), other);
  fs.rmSync(path.dirname(copy), { recursive: true, force: true });	// what a copied there before
  refused(region('import', a.dir, file), /pair key is not this one's.*--replace-key/);
  fs.mkdirSync(copy, { recursive: true });
  fs.writeFileSync(path.join(copy, 'replica'), '{}');
  refused(region('import', a.dir, file, '--replace-key'), new RegExp(`'${copy}' is the copy of a vault`));
  assert.equal(text(a, 'keys/pair.key'), other);
  fs.rmSync(copy, { recursive: true });
  assert.equal(region('import', a.dir, file, '--replace-key').status, 0);
  assert.equal(text(a, 'keys/pair.key'), kept);
  refused(region('import', a.dir, exported(b, 'westus'), '--replace-key'), /the file has no pair key/);
});

test('a data directory from before pairs gets its pair key at start, a paired one that lost it not', async () => {
  const file = path.join(a.dir, 'keys/pair.key');
  fs.unlinkSync(file);
  refused(region('export', a.dir, 'eastus', '--with-secrets'), /pair\.key' is missing: the server makes it/);
  refused(run(binary, ['serve', a.dir], { mayFail: true, timeout: 20000 }), /pair\.key' is missing.*copy it from the other/);
  assert.ok(!fs.existsSync(file));
  fs.rmSync(path.join(a.dir, 'keys/peers'), { recursive: true });
  let made;
  await serving(a, () => {
    made = text(a, 'keys/pair.key');
    assert.match(made, /^[0-9a-f]{64}\n$/);
    assert.equal(mode(file), 0o600);
  });
  await serving(a, () => assert.equal(text(a, 'keys/pair.key'), made));
});
