// audit.test.js - the audit log: what is in it, what never is, and what happens when it cannot be written.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { ok, RESOURCES, STORAGE } from './lib/flow.js';
import { Principal } from './lib/principal.js';
import { binary, run, Server } from './lib/server.js';

let server, sub, dir;
before(async () => {
  server = await (await Server.create()).start();
  sub = `/subscriptions/${server.subscription}`;
  dir = path.join(server.dir, 'audit');
});
after(() => server.destroy());

const audit = (...args) => run(binary, ['audit', server.dir, '--json', ...args]).stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l));
const group = (name) => `${sub}/resourceGroups/${name}`;
const put = (name, options = {}) => request(server, 'PUT', group(name), { version: RESOURCES, body: { location: 'eastus' }, ...options });

test('a call that changes something is one line, before its answer comes', async () => {
  const before = Date.now();
  const r = await put('told', { headers: { 'x-ms-client-request-id': 'mine-1' } });
  assert.equal(r.status, 201);
  const line = audit().at(-1);
  assert.ok(Date.parse(line.time) >= before - 1000 && Date.parse(line.time) <= Date.now());
  assert.deepEqual({ ...line, time: undefined, remote: undefined, oid: undefined }, { time: undefined, remote: undefined, oid: undefined,
    appid: server.env.HOLDFAST_CLIENT_ID, method: 'PUT', action: 'Microsoft.Resources/subscriptions/resourceGroups/write', scope: group('told'),
    status: 201, requestId: r.headers['x-ms-request-id'], clientRequestId: 'mine-1' });
  const [file] = fs.readdirSync(dir);
  assert.match(file, /^\d{4}-\d\d\.jsonl$/);
  assert.equal(fs.statSync(path.join(dir, file)).mode & 0o777, 0o600);
});

test('reads and sign-ins are not in it; failures and refusals are', async () => {
  const count = audit().length;
  await ok(server, 'GET', group('told'), { version: RESOURCES });
  await request(server, 'HEAD', group('told'), { version: RESOURCES });
  await request(server, 'PUT', group('told'), { version: RESOURCES, token: null, body: {} });
  await request(server, 'POST', '/adfs/oauth2/token', { token: null, headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `grant_type=client_credentials&client_id=${server.env.HOLDFAST_CLIENT_ID}&client_secret=wrong&scope=x` });
  assert.equal(audit().length, count);
  const who = new Principal(server, 'refused');
  await put('refused', { token: who.token });
  await put('told', { body: { location: 'nowhere' } });
  await put('told', { body: '{' });
  const [refusal, failure, broken] = audit().slice(count);
  assert.deepEqual([refusal.appid, refusal.oid, refusal.status, refusal.code, refusal.scope],
    [who.clientId, who.objectId, 403, 'AuthorizationFailed', group('refused')]);
  assert.deepEqual([failure.status, failure.code, broken.status, broken.code], [400, 'LocationNotAvailableForResourceType', 400, 'InvalidRequestContent']);
});

test('no secret is in it, nor what a request said', async () => {
  const id = `${group('told')}/providers/Microsoft.Storage/storageAccounts/audited`;
  await ok(server, 'PUT', id, { version: STORAGE, body: { location: 'eastus', sku: { name: 'Standard_LRS' }, kind: 'StorageV2', properties: {}, tags: { t: 'saidonce' } } });
  const keys = (await ok(server, 'POST', `${id}/listKeys`, { version: STORAGE })).json.keys.map((k) => k.value);
  const text = fs.readdirSync(dir).map((f) => fs.readFileSync(path.join(dir, f), 'utf8')).join('');
  assert.ok(text.includes('Microsoft.Storage/storageAccounts/listKeys/action'));
  for (const secret of [...keys, 'saidonce', server.token(), server.token().split('.')[2]]) assert.ok(!text.includes(secret));
});

test('assignments tell who got what, by a call or on the host', async () => {
  const who = new Principal(server, 'promoted'), name = crypto.randomUUID();
  await ok(server, 'PUT', `${group('told')}/providers/Microsoft.Authorization/roleAssignments/${name}`, { version: '2022-04-01',
    body: { properties: { roleDefinitionId: 'acdd72a7-3385-48ef-bd42-f606fba81ae7', principalId: who.objectId } } });
  who.assign('Backup Reader', 'told');
  assert.equal((await who.ask('GET', group('told'), { version: RESOURCES })).status, 200);
  const [called, typed] = audit('--action', 'Microsoft.Authorization/*/write').slice(-2);
  assert.deepEqual([called.detail, called.scope], [{ principalId: who.objectId, role: 'Reader' }, group('told')]);
  assert.deepEqual([typed.method, typed.scope, typed.detail.role, typed.detail.principalId, typed.detail.uid],
    ['CLI', group('told'), 'Backup Reader', who.objectId, process.getuid()]);
  assert.deepEqual(audit('--principal', 'cli').at(-1), typed);
  run(binary, ['role', 'remove', server.dir, '--principal', 'promoted', '--role', 'Backup Reader', '--scope', 'told']);
  run(binary, ['role', 'remove', server.dir, '--principal', 'promoted', '--role', 'Reader', '--scope', group('told')]);
  assert.equal((await who.ask('GET', group('told'), { version: RESOURCES })).status, 403);
});

test('lines of calls at once do not mix', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `many${i}`);
  await Promise.all(names.map((n) => put(n)));
  const scopes = audit('--since', '5min', '--action', '*/resourceGroups/write').map((l) => l.scope);
  for (const n of names) assert.equal(scopes.filter((s) => s === group(n)).length, 1);
});

test('what cannot be recorded is not done', async () => {
  fs.renameSync(dir, `${dir}.away`);
  fs.writeFileSync(dir, '');
  const r = await put('unrecorded');
  assert.deepEqual([r.status, r.json.error.code], [503, 'AuditLogUnavailable']);
  assert.ok(r.json.error.message.includes('.jsonl'), r.text);
  assert.equal((await request(server, 'GET', group('unrecorded'), { version: RESOURCES })).status, 404);
  assert.equal((await ok(server, 'GET', group('told'), { version: RESOURCES })).status, 200);
  const cli = run(binary, ['role', 'assign', server.dir, '--principal', server.env.HOLDFAST_CLIENT_ID, '--role', 'Reader'], { mayFail: true });
  assert.equal(cli.status, 1);
  assert.match(cli.stderr, /cannot be recorded/);
  fs.unlinkSync(dir);
  fs.renameSync(`${dir}.away`, dir);
  assert.equal((await put('unrecorded')).status, 201);
});

test('principals made, rotated and removed on the command line are recorded, without their secrets', () => {
  const verb = (...args) => run(binary, ['principal', ...args, '--dir', server.dir, '--json']);
  const count = audit().length;
  const made = JSON.parse(verb('add', 'audited', '--role', 'Reader').stdout), turned = JSON.parse(verb('rotate', 'audited').stdout);
  verb('remove', 'audited');
  const lines = audit().slice(count);
  assert.deepEqual(lines.map((l) => [l.method, l.action, l.detail.name]), [['CLI', 'holdfast/principals/write', 'audited'],
    ['CLI', 'holdfast/principals/credentials/write', 'audited'], ['CLI', 'holdfast/principals/delete', 'audited']]);
  assert.ok(lines.every((l) => l.detail.uid === process.getuid()));
  for (const secret of [made, turned].map((p) => p.clientSecret ?? p.secret)) {
    assert.ok(secret?.length > 40, JSON.stringify(made));
    assert.ok(!JSON.stringify(lines).includes(secret));
  }
});
