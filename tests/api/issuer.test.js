// issuer.test.js - other issuers of tokens: their bearer tokens, their assertions, their keys.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { RESOURCES } from './lib/flow.js';
import { glewlwyd, Glewlwyd } from './lib/glewlwyd.js';
import { request } from './lib/http.js';
import { binary, run, Server, sleep } from './lib/server.js';

const AUDIENCE = 'api://holdfast';
let dir, issuer, silent, server, other;

// An issuer on this machine: its configuration, its keys, and how often each was asked for.
class Issuer {
  static async start(name) {
    const i = new Issuer();
    i.ca = path.join(dir, `${name}.pem`);
    run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', `${i.ca}.key`, '-out', i.ca], { stdio: 'pipe' });
    i.keys = [];
    i.asked = { configuration: 0, keys: 0 };
    i.delayMs = 0;
    i.http = https.createServer({ cert: fs.readFileSync(i.ca), key: fs.readFileSync(`${i.ca}.key`) }, async (req, res) => {
      await new Promise((resolve) => setTimeout(resolve, i.delayMs).unref());
      res.setHeader('content-type', 'application/json');
      if (req.url === '/realm/.well-known/openid-configuration') {
        i.asked.configuration++;
        res.end(JSON.stringify({ issuer: i.url, jwks_uri: `${i.url}/keys` }));
      } else if (req.url === '/realm/keys') {
        i.asked.keys++;
        res.end(JSON.stringify({ keys: [{ kty: 'EC', kid: 'ec' }, ...i.keys.map((k) => ({ ...k.publicKey.export({ format: 'jwk' }), kid: k.kid, use: 'sig', alg: 'RS256' }))] }));
      } else {
        res.statusCode = 404;
        res.end('{}');
      }
    });
    await new Promise((resolve) => i.http.listen(0, '127.0.0.1', resolve));
    i.url = `https://localhost:${i.http.address().port}/realm`;
    i.newKey('first');
    return i;
  }

  newKey(kid) {
    const k = { kid, ...crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }) };
    this.keys.push(k);
    return k;
  }

  token(claims = {}, { key = this.keys[0], header = {} } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const encode = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
    const text = `${encode({ alg: 'RS256', typ: 'JWT', kid: key.kid, ...header })}.${encode({ iss: this.url, sub: 'job-1', aud: AUDIENCE, iat: now, nbf: now, exp: now + 300, ...claims })}`;
    if (header.alg === 'none') return `${text}.`;
    const signature = header.alg === 'HS256' ? crypto.createHmac('sha256', key.publicKey.export({ type: 'spki', format: 'pem' })).update(text).digest()
      : crypto.sign('sha256', Buffer.from(text), key.privateKey);
    return `${text}.${signature.toString('base64url')}`;
  }

  stop() {
    this.http.closeAllConnections();
    return new Promise((resolve) => this.http.close(resolve));
  }
}

const section = (name, lines) => `\n[issuer ${name}]\n${Object.entries(lines).map(([k, v]) => `${k} = ${v}\n`).join('')}`;

before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-issuer-'));
  issuer = await Issuer.start('issuer');
  silent = await Issuer.start('silent');
  other = await (await Server.create()).start();
  const otherUrl = `${other.url}/${other.tenant}/`;
  server = await Server.create({ conf: (text) => text + section('ci', { url: issuer.url, audience: AUDIENCE, ca: issuer.ca }) +
    section('silent', { url: silent.url, audience: AUDIENCE, jwks: `${silent.url}/keys`, ca: silent.ca }) +
    section('other', { url: otherUrl, audience: 'https://management.azure.com/', ca: other.env.HOLDFAST_CA }) });
  await server.start();
});
// Also of what a failure in before() left.
after(async () => {
  const ends = [];
  for (const s of [server, other]) ends.push(await s?.destroy());
  for (const i of [issuer, silent]) await i?.stop();
  fs.rmSync(dir, { recursive: true, force: true });
  for (const how of ends) assert.deepEqual(how, { code: 0, signal: null });
});

const add = (...args) => JSON.parse(run(binary, ['principal', 'add', ...args, '--dir', server.dir, '--json']).stdout);
const ask = (token) => request(server, 'GET', '/subscriptions', { version: RESOURCES, token });
async function accepted(token) {
  const r = await ask(token);
  assert.equal(r.status, 200, r.text);
}
async function refused(token, code, pattern, status = 401) {
  const r = await ask(token);
  assert.equal(r.status, status, r.text);
  assert.equal(r.json.error.code, code);
  assert.match(r.json.error.message, pattern);
  assert.equal('www-authenticate' in r.headers, status === 401);
}

test('a subject is nobody until it is registered, and nobody again when it is removed', async () => {
  await refused(issuer.token(), 'AuthorizationFailed', /'job-1' of issuer '.*\/realm' is no principal's/, 403);
  const who = add('job', '--issuer', issuer.url, '--subject', 'job-1');
  await accepted(issuer.token());
  await accepted(issuer.token({ aud: ['x', AUDIENCE] }));
  await refused(issuer.token({ sub: 'job-2' }), 'AuthorizationFailed', /'job-2'/, 403);
  assert.match(server.log(), new RegExp(`client=${who.clientId}`));
  const taken = run(binary, ['principal', 'add', 'thief', '--issuer', issuer.url, '--subject', 'job-1', '--dir', server.dir], { mayFail: true });
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /subject 'job-1' of '.*' is registered already/);
  run(binary, ['principal', 'remove', 'job', '--dir', server.dir]);
  await refused(issuer.token(), 'AuthorizationFailed', /no principal's/, 403);
  add('job', '--issuer', issuer.url, '--subject', 'job-1');
  await accepted(issuer.token());
  assert.deepEqual(issuer.asked, { configuration: 1, keys: 1 }, 'the keys were fetched once');
});

test('forged and foreign tokens are refused', async () => {
  const foreign = { kid: 'first', ...crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }) };
  const now = Math.floor(Date.now() / 1000);
  const invalid = (token, pattern = /invalid/) => refused(token, 'InvalidAuthenticationToken', pattern);
  await invalid(issuer.token({}, { header: { alg: 'none' } }));
  await invalid(issuer.token({}, { header: { alg: 'HS256' } }), /RS256/);
  await invalid(issuer.token({}, { header: { alg: 'PS256' } }), /RS256/);
  await invalid(issuer.token({}, { header: { kid: undefined } }), /kid/);
  await invalid(issuer.token({}, { key: foreign }), /not signed/);
  await invalid(issuer.token({ aud: 'api://AzureADTokenExchange' }), /audience/);
  await invalid(issuer.token({ aud: undefined }), /audience/);
  await invalid(issuer.token({ exp: undefined }), /exp/);
  await invalid(issuer.token({ nbf: now + 120, exp: now + 300 }));
  await refused(issuer.token({ exp: now - 1 }), 'ExpiredAuthenticationToken', /earlier than current/);
  await invalid(issuer.token({ iss: `${issuer.url}/` }));
  await invalid(issuer.token({ iss: silent.url }), /has no key 'first'|not signed/);
  const [head, , signature] = issuer.token().split('.');
  const [, claims] = issuer.token({ sub: 'admin' }).split('.');
  await invalid(`${head}.${claims}.${signature}`, /not signed/);
});

test('an unknown key makes the server ask once a minute, however many tokens come', async () => {
  const { asked } = issuer, before = { ...asked };
  const next = issuer.newKey('second');
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(issuer.token({}, { key: next }))));
  for (const r of answers) assert.equal(r.status, 401, r.text);
  assert.ok(asked.keys - before.keys <= 1, `${asked.keys - before.keys} fetches`);
  await accepted(issuer.token());
});

test('an issuer that does not answer: 503 in time, and nobody else waits', async () => {
  add('quiet', '--issuer', silent.url, '--subject', 'job-1');
  const late = await (async () => {
    const s = await Server.create({ conf: (text) => text + section('silent', { url: silent.url, audience: AUDIENCE, ca: silent.ca }) });
    return s.start();
  })();
  try {
    silent.delayMs = 30000;
    const began = Date.now();
    const waiting = request(late, 'GET', '/subscriptions', { version: RESOURCES, token: silent.token() });
    await sleep(200);
    const quick = Date.now();
    assert.equal((await request(late, 'GET', '/subscriptions', { version: RESOURCES })).status, 200);
    assert.ok(Date.now() - quick < 2000, 'a request by another token is not held up');
    const r = await waiting;
    assert.equal(r.status, 503, r.text);
    assert.match(r.json.error.message, /keys of issuer '.*' cannot be fetched/);
    assert.ok(Date.now() - began < 8000, `${Date.now() - began} ms`);
  } finally {
    silent.delayMs = 0;
    await late.destroy();
  }
});

test('at the token endpoint: issuer, subject and audience must be those of the principal', async () => {
  const who = add('workload', '--issuer', issuer.url, '--subject', 'ns:default:sa:backup');
  const exchange = (claims, more, id = who.clientId) => request(server, 'POST', `/${server.tenant}/oauth2/v2.0/token`, { token: null,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'https://management.azure.com/.default', client_id: id,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: issuer.token({ sub: 'ns:default:sa:backup', aud: 'api://AzureADTokenExchange', ...claims }, more) }).toString() });
  const refusedExchange = async (answer, number) => {
    const r = await answer;
    assert.equal(r.status, 401, r.text);
    assert.deepEqual(r.json.error_codes, [number], r.text);
  };
  for (let i = 0; i < 2; i++) {	// such a token is its platform's, and good until it expires
    const r = await exchange({ jti: 'same' });
    assert.equal(r.status, 200, r.text);
    await accepted(r.json.access_token);
  }
  await refusedExchange(exchange({ iss: 'https://elsewhere.example' }), 700211);
  await refusedExchange(exchange({ sub: 'ns:default:sa:other' }), 700213);
  await refusedExchange(exchange({ aud: AUDIENCE }), 700212);
  await refusedExchange(exchange({ exp: Math.floor(Date.now() / 1000) - 400 }), 700024);
  await refusedExchange(exchange({}, { header: { alg: 'none' } }), 50027);
  await refusedExchange(exchange({}, { header: { alg: 'HS256' } }), 50013);
  await refusedExchange(exchange({}, { key: { kid: 'first', ...crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }) } }), 50013);
  await refusedExchange(exchange({}, {}, server.env.HOLDFAST_CLIENT_ID), 700211);
});

test('another holdfast server is an issuer as any', async () => {
  const subject = JSON.parse(Buffer.from(other.token().split('.')[1], 'base64url')).sub;
  await refused(other.token(), 'AuthorizationFailed', /no principal's/, 403);
  add('neighbour', '--issuer', `${other.url}/${other.tenant}/`, '--subject', subject);
  await accepted(other.token());
  assert.equal((await request(other, 'GET', '/subscriptions', { version: RESOURCES, token: server.token() })).status, 401, 'which trusts nobody itself');
});

test('a real OpenID provider\'s token is taken', { skip: !fs.existsSync(glewlwyd) && 'glewlwyd is not installed' }, async () => {
  const provider = await Glewlwyd.start(dir, issuer.ca, `${issuer.ca}.key`);
  const mine = await Server.create({ conf: (text) => text + section('glewlwyd', { url: provider.url, audience: 'backup', ca: provider.ca }) });
  try {
    await mine.start();
    const token = await provider.token();
    const send = () => request(mine, 'GET', '/subscriptions', { version: RESOURCES, token });
    assert.equal((await send()).status, 403);
    run(binary, ['principal', 'add', 'job', '--issuer', provider.url, '--subject', 'job', '--dir', mine.dir]);
    assert.equal((await send()).status, 200);
    const damaged = `${token.slice(0, -3)}${token.endsWith('AAA') ? 'BBB' : 'AAA'}`;
    assert.equal((await request(mine, 'GET', '/subscriptions', { version: RESOURCES, token: damaged })).status, 401);
  } finally {
    await mine.destroy();
    await provider.stop();
  }
});
