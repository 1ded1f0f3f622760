// limits.test.js - how many calls a principal may make, how often a secret may be guessed, and that Azure's SDK waits by itself.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { RecoveryServicesClient } from '@azure/arm-recoveryservices';
import { RESOURCES, VAULTS } from './lib/flow.js';
import { request } from './lib/http.js';
import { Principal } from './lib/principal.js';
import { binary, run, Server, sleep } from './lib/server.js';

let server, sub;
before(async () => {
  server = await (await Server.create({ limits: { reads: 20, writes: 5, deletes: 0, sign_ins: 40, wrong_secrets: 4 },
    conf: (text) => text.replace(/^(\w+)_refill\s*=.*$/gm, '$1_refill = 1') })).start();
  sub = `/subscriptions/${server.subscription}`;
});
after(() => server.destroy());

const REMAINING = 'x-ms-ratelimit-remaining-subscription-';
const group = (name) => `${sub}/resourceGroups/${name}`;
const put = (who, name) => who.ask('PUT', group(name), { version: RESOURCES, body: { location: 'eastus' } });
const audited = () => {
  const dir = path.join(server.dir, 'audit');
  return fs.existsSync(dir) ? fs.readdirSync(dir).map((f) => fs.readFileSync(path.join(dir, f), 'utf8')).join('') : '';
};

test('answers tell what is left; then 429, nothing done, nothing recorded', async () => {
  const who = new Principal(server, 'eager', 'Owner');
  for (let i = 0; i < 5; i++) {
    const r = await put(who, `eager${i}`);
    assert.equal(r.status, 201, r.text);
    const left = Number(r.headers[`${REMAINING}writes`]);
    assert.ok(left >= 4 - i && left <= 5 - i, String(left));
    assert.ok(Number(r.headers[`${REMAINING}global-writes`]) > left);
  }
  let r, n = 5;
  while ((r = await put(who, `eager${n}`)).status === 201) assert.ok(++n < 50);
  assert.equal(r.status, 429);
  assert.deepEqual(r.json, { error: { code: 'SubscriptionRequestsThrottled', message: `Number of 'write' requests for subscription '${server.subscription}' actor '${who.objectId}' exceeded. Please try again after '1' seconds.` } });
  assert.equal(r.headers['retry-after'], '1');
  assert.equal(r.headers[`${REMAINING}writes`], '0');
  assert.equal(r.headers['x-ms-failure-cause'], 'gateway');
  assert.ok(!audited().includes(`eager${n}"`) && audited().includes('eager0"'));
  const read = await who.ask('GET', group(`eager${n}`), { version: RESOURCES });
  assert.equal(read.status, 404, 'and reads have a limit of their own');
  assert.ok(Number(read.headers[`${REMAINING}reads`]) >= 18);
  const other = new Principal(server, 'other', 'Owner');
  assert.equal((await put(other, 'other')).status, 201);
  await sleep(1100);
  assert.equal((await put(who, `eager${n}`)).status, 201);
});

test('who may not do it is counted, who is unknown is not', async () => {
  const who = new Principal(server, 'nobody');
  let r, n = 0;
  while ((r = await put(who, 'nobody')).status === 403) assert.ok(++n < 50);
  assert.equal(r.status, 429);
  const stranger = await request(server, 'PUT', group('x'), { version: RESOURCES, token: 'x.y.z', body: {} });
  assert.equal(stranger.status, 401);
  assert.equal(stranger.headers[`${REMAINING}writes`], undefined);
});

test('0 is no limit', async () => {
  const who = new Principal(server, 'deleter', 'Owner');
  for (let i = 0; i < 30; i++) {
    const r = await who.ask('DELETE', group('absent'), { version: RESOURCES });
    assert.ok(r.status === 204 || r.status === 404, r.text);
    assert.equal(r.headers[`${REMAINING}deletes`], undefined);
  }
});

test('a deployment is one write, however much it writes', async () => {
  const who = new Principal(server, 'deployer', 'Owner');
  assert.equal((await put(who, 'deployed')).status, 201);
  const resources = Array.from({ length: 12 }, (_, i) => ({ type: 'Microsoft.Storage/storageAccounts', apiVersion: '2023-01-01', name: `deployed${i}`,
    location: 'eastus', sku: { name: 'Standard_LRS' }, kind: 'StorageV2', properties: {} }));
  const template = { $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#', contentVersion: '1.0.0.0', resources };
  const id = `${group('deployed')}/providers/Microsoft.Resources/deployments/many`;
  const r = await who.ask('PUT', id, { version: RESOURCES, body: { properties: { mode: 'Incremental', template } } });
  assert.equal(r.status, 201, r.text);
  const done = await who.ask('GET', id, { version: RESOURCES });
  assert.equal(done.json.properties.provisioningState, 'Succeeded', done.text);
  assert.ok(Number(r.headers[`${REMAINING}writes`]) >= 3);
});

test('the JavaScript SDK waits and goes on', async () => {
  const who = new Principal(server, 'sdk', 'Owner');
  const seen = [];
  const client = new RecoveryServicesClient({ getToken: async () => ({ token: who.token, expiresOnTimestamp: Date.now() + 3600e3 }) }, server.subscription,
    { endpoint: server.url, additionalPolicies: [{ position: 'perRetry', policy: { name: 'trust', async sendRequest(r, next) {
      r.tlsSettings = { ca: server.ca };
      const answer = await next(r);
      seen.push(answer.status);
      return answer;
    } } }] });
  assert.equal((await put(who, 'sdk')).status, 201);
  await who.ask('PUT', `${group('sdk')}/providers/Microsoft.RecoveryServices/vaults/vault1`, { version: VAULTS, body: { location: 'eastus', sku: { name: 'Standard' }, properties: {} } });
  let calls = 0;
  for (; calls < 60 && seen.filter((s) => s === 429).length < 2; calls++)
    assert.equal((await client.vaults.get('sdk', 'vault1')).name, 'vault1');
  assert.ok(seen.includes(429), 'the limit was met');
  assert.equal(seen.filter((s) => s === 200).length, calls);
});

const signIn = (clientId, secret) => request(server, 'POST', '/adfs/oauth2/token', { token: null, headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope: 'https://management.azure.com/.default' }).toString() });

test('guessing a secret slows down who guesses, not who knows', async () => {
  const { HOLDFAST_CLIENT_ID: id, HOLDFAST_CLIENT_SECRET: secret } = server.env;
  assert.equal((await signIn(id, secret)).status, 200);
  let r, n = 0;
  while ((r = await signIn(id, `guess ${n}`)).status === 401) assert.ok(++n < 30);
  assert.ok(n >= 4, String(n));
  assert.equal(r.status, 429);
  assert.equal(r.headers['retry-after'], '1');
  assert.equal(r.json.error, 'temporarily_unavailable');
  assert.match(r.json.error_description, /^AADSTS90055: There are too many incoming requests\. Please try again after '1' seconds\./);
  assert.equal((await signIn(id, secret)).status, 200, 'its owner, at the same address');
});

test('an address has so many sign-ins, those that proved a secret before apart', async () => {
  const { HOLDFAST_CLIENT_ID: id, HOLDFAST_CLIENT_SECRET: secret } = server.env;
  const guess = (i) => signIn(`00000000-0000-4000-8000-${String(i).padStart(12, '0')}`, 'x');
  let r, n = 0;
  while ((r = await guess(n)).status === 400) assert.ok(++n < 200);
  assert.equal(r.status, 429);
  assert.equal((await signIn(id, secret)).status, 200);
});

test('a secret that was taken away is let through no longer', async () => {
  const { HOLDFAST_CLIENT_ID: id, HOLDFAST_CLIENT_SECRET: old } = server.env;
  run(binary, ['principal', 'rotate', id, '--dir', server.dir, '--overlap', '0']);
  let r = await signIn(id, old), n = 0;
  for (; r.status === 401 && n < 30; n++) r = await signIn(id, old);
  assert.equal(r.status, 429);
});
