// secrets.test.js - what proves or protects something is in no log line, no audit line and, where a hash will do, not in the
// database: whatever way it came, also in a request that went wrong.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { COMPUTE, ok, RESOURCES, Setup, STORAGE } from './lib/flow.js';
import { request } from './lib/http.js';
import { binary, run, Server } from './lib/server.js';

let server, s;
const secrets = new Map();	// what it is => its text
const note = (what, text) => {
  assert.ok(text.length >= 8, what);
  secrets.set(what, text);
  return text;
};
const made = (what) => note(what, `${what.replaceAll(/\W/g, '')}${crypto.randomBytes(9).toString('hex')}`);

before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
});
after(() => server.destroy());

const signIn = (form, headers = {}) => request(server, 'POST', `/${server.tenant}/oauth2/v2.0/token`, { token: null,
  headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  body: typeof form === 'string' ? form : new URLSearchParams({ grant_type: 'client_credentials', scope: 'https://management.azure.com/.default', ...form }).toString() });

// Log, audit log and database, with what its journal holds.
function places() {
  const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0));
  const audit = path.join(server.dir, 'audit');
  return { log: read(server.logPath), audit: Buffer.concat(fs.readdirSync(audit).map((f) => read(path.join(audit, f)))),
    database: Buffer.concat(['', '-wal'].map((end) => read(path.join(server.dir, `control.db${end}`)))) };
}

test('sign-ins, right and wrong', async () => {
  const { HOLDFAST_CLIENT_ID: id, HOLDFAST_CLIENT_SECRET: secret } = server.env;
  note('client secret', secret);
  note('bearer token', (await signIn({ client_id: id, client_secret: secret })).json.access_token);
  const basic = note('Basic header', Buffer.from(`${id}:${secret}`).toString('base64'));
  assert.equal((await signIn({}, { authorization: `Basic ${basic}` })).status, 200);
  note('token of the command line', server.token());
  assert.equal((await signIn({ client_id: id, client_secret: made('wrong secret') })).status, 401);
  assert.equal((await signIn({ client_id: made('secret as id'), client_secret: 'x' })).status, 400);
  assert.equal((await signIn(`client_id=${id}&client_secret=${made('badly encoded secret')}%zz`)).status, 400);
  assert.equal((await signIn(JSON.stringify({ client_id: id, client_secret: made('secret in JSON') }))).status, 400);
  assert.equal((await signIn({ client_id: id, client_secret: secret, grant_type: made('secret as grant') })).status, 400);
  assert.equal((await signIn({ client_id: id, client_secret: secret, scope: '' })).status, 400);
});

test('assertions, right and wrong', async () => {
  const file = path.join(server.root, 'client.pem');
  run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=client', '-keyout', `${file}.key`, '-out', file], { stdio: 'pipe' });
  const who = JSON.parse(run(binary, ['principal', 'add', 'signer', '--certificate', file, '--dir', server.dir, '--json']).stdout);
  const cert = new crypto.X509Certificate(fs.readFileSync(file)), key = crypto.createPrivateKey(fs.readFileSync(`${file}.key`));
  const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url'), now = Math.floor(Date.now() / 1000);
  const text = `${part({ typ: 'JWT', alg: 'RS256', x5t: crypto.createHash('sha1').update(cert.raw).digest('base64url') })}.${part({ iss: who.clientId,
    sub: who.clientId, aud: `${server.url}/${server.tenant}/oauth2/v2.0/token`, jti: crypto.randomUUID(), nbf: now, exp: now + 600 })}`;
  const assertion = note('assertion', `${text}.${note('assertion\'s signature', crypto.sign('sha256', text, key).toString('base64url'))}`);
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  const good = await signIn({ client_id: who.clientId, client_assertion: assertion, client_assertion_type: type });
  note('token for an assertion', good.json.access_token);
  assert.equal((await signIn({ client_id: who.clientId, client_assertion: note('forged assertion', `${text}.${crypto.randomBytes(256).toString('base64url')}`),
    client_assertion_type: type })).status, 401);
  assert.equal((await signIn({ client_id: who.clientId, client_assertion: made('no assertion'), client_assertion_type: type })).status, 401);
});

test('bearer tokens and headers that are none', async () => {
  const [header, claims] = server.token().split('.');
  for (const token of [note('forged token', `${header}.${claims}.${crypto.randomBytes(256).toString('base64url')}`), made('no token'), `${header}.${made('no claims')}.x`])
    assert.equal((await request(server, 'GET', s.vault, { version: '2023-02-01', token })).status, 401);
  for (const scheme of ['Digest', 'bearer', ''])
    await request(server, 'GET', s.vault, { version: '2023-02-01', headers: { authorization: `${scheme} ${made(`${scheme} header`)}` } });
});

test('account keys and SharedKey', async () => {
  const list = async (method = 'listKeys', body = undefined) => (await ok(server, 'POST', `${s.accountId}/${method}`, { version: STORAGE, body })).json.keys;
  for (const k of await list()) note(`account's ${k.keyName}`, k.value);
  for (const k of await list('regenerateKey', { keyName: 'key1' })) note(`new ${k.keyName}`, k.value);
  const [{ value: key }] = await list();
  const at = `/${s.account}/?comp=list`, date = new Date().toUTCString();
  const text = `GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:${date}\nx-ms-version:2021-08-06\n/${s.account}/${s.account}/\ncomp:list`;
  for (const [what, k, status] of [['signature', Buffer.from(key, 'base64'), 200], ['signature by another key', crypto.randomBytes(64), 403]]) {
    const signature = note(what, crypto.createHmac('sha256', k).update(text).digest('base64'));
    const r = await request(server, 'GET', at, { headers: { 'x-ms-date': date, 'x-ms-version': '2021-08-06', authorization: `SharedKey ${s.account}:${signature}` } });
    assert.equal(r.status, status, r.text);
  }
  const sas = (what) => `sv=2021-08-06&sp=r&sig=${encodeURIComponent(made(what))}`;
  await request(server, 'GET', `/${s.account}/c/b?${sas('signature in a query')}`, { token: null });
  await request(server, 'GET', `/${s.account}/c/b?${sas('signature in a bad query')}%zz`, { token: null });
  await request(server, 'GET', `${server.url}/${s.account}/c/b?${sas('signature in a URL')}`, { token: null });
});

const deploy = (name, properties) => request(server, 'PUT', `${s.group}/providers/Microsoft.Resources/deployments/${name}`, { version: RESOURCES,
  body: { properties: { mode: 'Incremental', ...properties } } });
const template = (secret) => ({ $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#', contentVersion: '1.0.0.0',
  parameters: { secret: { type: 'secureString', ...secret }, object: { type: 'secureObject', defaultValue: {} } }, resources: [] });

test('secure parameters of deployments', async () => {
  const value = (what) => ({ parameters: { secret: { value: made(what) } } });
  assert.equal((await deploy('good', { template: template(), ...value('secure parameter') })).status, 201);
  assert.equal((await deploy('object', { template: template({ defaultValue: 'x' }), parameters: { object: { value: { inside: made('secure object') } } } })).status, 201);
  assert.equal((await deploy('short', { template: template({ minLength: 200 }), ...value('short parameter') })).status, 400);
  assert.equal((await deploy('choice', { template: template({ allowedValues: ['a', 'b'] }), ...value('parameter that is not allowed') })).status, 400);
  assert.equal((await deploy('type', { template: template(), parameters: { secret: { value: [made('parameter of another type')] } } })).status, 400);
  assert.equal((await deploy('extra', { template: template({ defaultValue: 'x' }), parameters: { other: { value: made('parameter that is unknown') } } })).status, 400);
  const uri = (what) => `${server.url}/${s.account}/c/t.json?sv=2021-08-06&sig=${made(what)}`;
  assert.equal((await deploy('link', { templateLink: { uri: uri('signature of a link') } })).status, 400);
  assert.equal((await deploy('away', { templateLink: { uri: uri('signature of a foreign link').replace('https://', 'https://x') } })).status, 400);
});

test('what belongs to a machine', async () => {
  const osProfile = { computerName: 'a', adminUsername: 'b', adminPassword: made('password'), customData: Buffer.from(made('custom data')).toString('base64') };
  await ok(server, 'PUT', s.vmId, { version: COMPUTE, body: { ...s.vmBody(), properties: { ...s.vmBody().properties, osProfile } } });
  const raw = (text) => request(server, 'PUT', s.vmId, { version: COMPUTE, body: text, headers: { 'content-type': 'application/json' } });
  assert.equal((await raw(`{"adminPassword": ${made('password without quotes')}}`)).status, 400);
  assert.equal((await raw(`{"a": "${made('password that does not end')}`)).status, 400);
  assert.equal((await raw(`{"${made('key twice')}": 1, "${secrets.get('key twice')}": 1}`)).status, 400);
  await raw(JSON.stringify({ location: 'eastus', properties: { hardwareProfile: { vmSize: 1 }, osProfile: made('profile of another type') } }));
});

test('none of it is in the log, the audit log or the database', async () => {
  for (const [name, file] of [['master key', 'master.key'], ['pair key', 'pair.key']]) note(name, fs.readFileSync(path.join(server.dir, 'keys', file), 'utf8').trim());
  note('private part of the token key', JSON.parse(fs.readFileSync(path.join(server.dir, 'keys/token.key'), 'utf8')).d);
  const where = places();
  for (const [what, text] of Object.entries({ log: 'event=request', audit: 'Microsoft.Storage/storageAccounts/listKeys/action', database: 'scrypt$' }))
    assert.ok(where[what].includes(text), `${what} is what was looked at`);
  // SharedKey needs the keys themselves
  const kept = (what, place) => place === 'database' && /^(account's|new) key/.test(what);
  const found = [];
  for (const [what, secret] of secrets)
    for (const [place, bytes] of Object.entries(where))
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=*$/, '').slice(0, -1)])
        if (bytes.includes(form) && !kept(what, place)) found.push(`${what}: ${place}`);
  assert.deepEqual([...new Set(found)], []);
});
