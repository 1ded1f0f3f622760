// identity.test.js - principals and what proves them: secrets, certificates, other issuers.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ok, RESOURCES } from './lib/flow.js';
import { request } from './lib/http.js';
import { binary, run, Server } from './lib/server.js';

const SCOPE = 'https://management.azure.com/.default';
let server;

before(async () => {
  server = await (await Server.create({ conf: (text) => text.replace(/^assertion_uses = .*/m, 'assertion_uses = 1') })).start();
});
after(async () => assert.deepEqual(await server.destroy(), { code: 0, signal: null }));

const principal = (...args) => run(binary, ['principal', ...args, '--dir', server.dir, '--json'], { mayFail: true });
const made = (...args) => {
  const r = principal(...args);
  assert.equal(r.status, 0, r.stderr);
  return r.stdout === '' ? null : JSON.parse(r.stdout);
};
const refusedVerb = (r, status, pattern) => {
  assert.equal(r.status, status, r.stdout);
  assert.match(r.stderr, pattern);
};

function signIn(form, at = `/${server.tenant}/oauth2/v2.0/token`) {
  return request(server, 'POST', at, { token: null, headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: SCOPE, ...form }).toString() });
}
const bySecret = (who, secret = who.secret) => signIn({ client_id: who.clientId, client_secret: secret });

async function accepted(answer) {
  const r = await answer;
  assert.equal(r.status, 200, r.text);
  await ok(server, 'GET', '/subscriptions', { version: RESOURCES, token: r.json.access_token });
  return JSON.parse(Buffer.from(r.json.access_token.split('.')[1], 'base64url').toString());
}
async function refused(answer, status, number, pattern = /./) {
  const r = await answer;
  assert.equal(r.status, status, r.text);
  assert.deepEqual(r.json.error_codes, [number], r.text);
  assert.match(r.json.error_description, new RegExp(`^AADSTS${number}: `));
  assert.match(r.json.error_description, pattern);
}

test('a principal made beside the running server signs in with the secret that was shown once', async () => {
  const who = made('add', 'ci');
  const claims = await accepted(bySecret(who));
  assert.equal(claims.appid, who.clientId);
  assert.equal(claims.oid, who.objectId);
  const [secret] = who.credentials;
  assert.equal(secret.hint, who.secret.slice(0, 3));
  assert.ok(Math.abs(Date.parse(secret.expires) - Date.now() - 365 * 86400e3) < 60e3, secret.expires);
  const shown = made('show', 'ci');
  assert.ok(!('secret' in shown));
  assert.deepEqual(shown.credentials, who.credentials);
  assert.deepEqual(made('list').map((p) => p.name).sort(), ['admin', 'ci']);
  await refused(bySecret(who, `${who.secret}x`), 401, 7000215);
  await refused(bySecret({ clientId: '00000000-0000-4000-8000-000000000000', secret: 'x' }), 400, 700016, /'00000000-0000-4000-8000-000000000000' was not found in the directory/);
});

test('rotate: the old secret ends after the overlap, or at once', async () => {
  const first = made('add', 'rotating');
  const second = made('rotate', first.clientId, '--overlap', '1');
  await accepted(bySecret(first));
  await accepted(bySecret(second));
  const old = second.credentials.find((k) => k.id === first.credentials[0].id);
  assert.ok(Math.abs(Date.parse(old.expires) - Date.now() - 86400e3) < 60e3, old.expires);
  const third = made('rotate', 'rotating', '--overlap', '0', '--expires', '0');
  await refused(bySecret(first), 401, 7000222, new RegExp(`'${first.clientId}' are expired`));
  await refused(bySecret(second), 401, 7000222);
  await accepted(bySecret(third));
  assert.equal(third.credentials.find((k) => !k.isExpired).expires, null);
});

test('the administrator\'s new secret is what the program uses from then on', async () => {
  made('rotate', 'admin', '--overlap', '0');
  await refused(signIn({ client_id: server.env.HOLDFAST_CLIENT_ID, client_secret: server.env.HOLDFAST_CLIENT_SECRET }), 401, 7000222);
  assert.equal(run(binary, ['status', server.dir]).status, 0);
  refusedVerb(principal('remove', 'admin'), 1, /'admin' is the administrator of '.*admin\.env'/);
});

test('remove: one credential, or the principal with all of them', async () => {
  const who = made('add', 'leaving');
  const more = made('add', '--to', 'leaving');
  made('remove', 'leaving', '--credential', who.credentials[0].id);
  await refused(bySecret(who), 401, 7000215);
  await accepted(bySecret(more));
  made('remove', 'leaving');
  await refused(bySecret(more), 400, 700016);
  refusedVerb(principal('show', 'leaving'), 1, /no principal is called 'leaving'/);
});

// ---- client certificates ----

// A key and its certificate in one file, as az takes it.
function certificate(name, days = 30) {
  const file = path.join(server.root, `${name}.pem`), key = `${file}.key`;
  run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', String(days), '-subj', `/CN=${name}`, '-keyout', key, '-out', file], { stdio: 'pipe' });
  const cert = new crypto.X509Certificate(fs.readFileSync(file));
  fs.appendFileSync(file, fs.readFileSync(key));
  return { file, cert, key: crypto.createPrivateKey(fs.readFileSync(key)), sha1: crypto.createHash('sha1').update(cert.raw).digest(),
    sha256: crypto.createHash('sha256').update(cert.raw).digest() };
}

const encode = (o) => Buffer.from(typeof o === 'string' ? o : JSON.stringify(o)).toString('base64url');
function sign(header, claims, key) {
  const text = `${encode({ typ: 'JWT', ...header })}.${encode(claims)}`;
  const padding = header.alg === 'PS256' ? { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  if (header.alg === 'none') return `${text}.`;
  if (header.alg === 'HS256') return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
  return `${text}.${crypto.sign('sha256', Buffer.from(text), { key, ...padding }).toString('base64url')}`;
}

const now = () => Math.floor(Date.now() / 1000);
const assertionOf = (id, url, more = {}) => ({ iss: id, sub: id, aud: url, jti: crypto.randomUUID(), iat: now(), nbf: now(), exp: now() + 600, ...more });
const byAssertion = (id, assertion, at) => signIn({ client_id: id, client_assertion: assertion,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }, at);
const tokenUrl = (at = `/${server.tenant}/oauth2/v2.0/token`) => `${server.url}${at}`;

test('a certificate signs in: RS256 and PS256, by x5t, x5t#S256 and kid, at every token endpoint', async () => {
  const a = certificate('one'), b = certificate('two');
  const who = made('add', 'signer', '--certificate', a.file);
  made('add', '--to', 'signer', '--certificate', b.file);
  const [first] = who.credentials;
  assert.equal(first.thumbprint, a.sha1.toString('hex'));
  assert.equal(Date.parse(first.expires), Date.parse(a.cert.validTo));
  assert.ok(!('secret' in who));
  const headers = [{ alg: 'RS256', x5t: a.sha1.toString('base64url') }, { alg: 'RS256', x5t: `${a.sha1.toString('base64url')}=` },
    { alg: 'PS256', 'x5t#S256': a.sha256.toString('base64url') }, { alg: 'RS256', kid: a.sha1.toString('hex').toUpperCase() },
    { alg: 'RS256', kid: a.sha1.toString('base64url') }];
  for (const header of headers) {
    const claims = await accepted(byAssertion(who.clientId, sign(header, assertionOf(who.clientId, tokenUrl()), a.key)));
    assert.equal(claims.appid, who.clientId, JSON.stringify(header));
  }
  for (const at of ['/adfs/oauth2/token', `/adfs/${server.tenant}/oauth2/v2.0/token`, '/organizations/oauth2/v2.0/token', `/${server.tenant}/oauth2/token`])
    await accepted(byAssertion(who.clientId, sign({ alg: 'RS256', x5t: b.sha1.toString('base64url') }, assertionOf(who.clientId, tokenUrl(at)), b.key), at));
  await accepted(byAssertion(who.clientId, sign(headers[0], assertionOf(who.clientId, tokenUrl(), { exp: now() + 600.5, iat: now() + 0.5 }), a.key)));
});

test('a forged, foreign, stale or repeated assertion is refused', async () => {
  const mine = certificate('mine'), other = certificate('other');
  const who = made('add', 'attacked', '--certificate', mine.file), stranger = made('add', 'stranger', '--certificate', other.file);
  const id = who.clientId, header = { alg: 'RS256', x5t: mine.sha1.toString('base64url') };
  const attempt = (claims, h = header, key = mine.key) => byAssertion(id, sign(h, assertionOf(id, tokenUrl(), claims), key));
  const publicPem = mine.cert.publicKey.export({ type: 'spki', format: 'pem' });
  await refused(attempt({}, { ...header, alg: 'none' }), 401, 50027);
  await refused(attempt({}, { ...header, alg: 'HS256' }, publicPem), 401, 700027, /signature/);
  await refused(attempt({}, { ...header, crit: ['exp'] }), 401, 700027);
  await refused(attempt({}, header, other.key), 401, 700027, /signature/);
  await refused(attempt({}, { alg: 'RS256', x5t: other.sha1.toString('base64url') }, other.key), 401, 700027, /not registered/);
  await refused(attempt({}, { alg: 'RS256', kid: 'foreign' }), 401, 700027, /not registered/);
  await refused(attempt({}, { alg: 'RS256' }), 401, 700027, /not registered/);
  await refused(attempt({ aud: tokenUrl('/adfs/oauth2/token') }), 401, 700023);
  await refused(attempt({ aud: 'https://login.microsoftonline.com/' }), 401, 700023);
  await refused(attempt({ exp: now() - 301 }), 401, 700024, /expiry time/);
  await refused(attempt({ nbf: now() + 400 }), 401, 700024);
  await refused(attempt({ exp: now() + 2 * 86400 }), 401, 700024, /more than a day/);
  await refused(attempt({ exp: undefined }), 401, 50027);
  await refused(attempt({ sub: stranger.clientId }), 401, 700021);
  await refused(attempt({ iss: stranger.clientId, sub: stranger.clientId }), 401, 700211);
  await refused(byAssertion(stranger.clientId, sign(header, assertionOf(stranger.clientId, tokenUrl()), mine.key)), 401, 700027);
  await refused(byAssertion(id, 'a.b.c'), 401, 50027);
  await refused(signIn({ client_id: id, client_assertion: 'a.b.c' }), 400, 900144, /client_assertion_type/);
  const jti = 'once';
  await accepted(attempt({ jti }));
  await refused(attempt({ jti }), 401, 50027, /used before/);
  await refused(byAssertion(id.toUpperCase(), sign(header, assertionOf(id, tokenUrl(), { jti }), mine.key)), 401, 50027, /used before/);
  await accepted(byAssertion(stranger.clientId, sign({ alg: 'RS256', x5t: other.sha1.toString('base64url') }, assertionOf(stranger.clientId, tokenUrl(), { jti }), other.key)));
  const bare = sign(header, assertionOf(id, tokenUrl(), { jti: undefined }), mine.key);
  await accepted(byAssertion(id, bare));
  await refused(byAssertion(id, bare), 401, 50027, /used before/);
});

test('rotate --certificate: the old one ends', async () => {
  const a = certificate('old'), b = certificate('new');
  const who = made('add', 'renewing', '--certificate', a.file);
  made('rotate', 'renewing', '--certificate', b.file, '--overlap', '0');
  const by = (c) => byAssertion(who.clientId, sign({ alg: 'RS256', x5t: c.sha1.toString('base64url') }, assertionOf(who.clientId, tokenUrl()), c.key));
  await refused(by(a), 401, 1000502);
  await accepted(by(b));
});

// ---- what clients ask before they sign in ----

const get = (at, options) => request(server, 'GET', at, { token: null, ...options });
const tenants = () => [server.tenant, 'common', 'organizations', server.tenant.toUpperCase()];

test('OpenID configuration: under tenant, common, organizations and adfs, at the host that was called', async () => {
  const paths = tenants().flatMap((t) => [`/${t}/v2.0/.well-known/openid-configuration`, `/${t}/.well-known/openid-configuration`, `/adfs/${t}/v2.0/.well-known/openid-configuration`]);
  const host = `127.0.0.1:${server.port}`;
  for (const at of ['/adfs/.well-known/openid-configuration', ...paths]) {
    const { json, status } = await get(at, { headers: { host } });
    assert.equal(status, 200, at);
    assert.equal(json.issuer, `https://${host}/${server.tenant}/`);
    assert.deepEqual(json.token_endpoint_auth_signing_alg_values_supported, ['RS256', 'PS256']);
    for (const url of [json.token_endpoint, json.jwks_uri]) assert.equal(new URL(url).host, host, at);
    assert.equal((await get(new URL(json.jwks_uri).pathname)).json.keys.length, 1, json.jwks_uri);
    const r = await signIn({ client_id: server.env.HOLDFAST_CLIENT_ID, client_secret: 'wrong' }, new URL(json.token_endpoint).pathname);
    assert.deepEqual(r.json.error_codes, [7000215], json.token_endpoint);
  }
  assert.equal((await get('/00000000-0000-4000-8000-000000000000/v2.0/.well-known/openid-configuration')).status, 400);
  assert.equal((await get(`/${server.tenant}/discovery/keys`)).json.keys.length, 1);
});

test('instance discovery knows the host that was called, and no other', async () => {
  const ask = (url) => get(`/common/discovery/instance?api-version=1.1&authorization_endpoint=${encodeURIComponent(url)}`);
  const r = await ask(`${server.url}/${server.tenant}/oauth2/v2.0/authorize`);
  assert.equal(r.status, 200, r.text);
  assert.equal((await get(new URL(r.json.tenant_discovery_endpoint).pathname)).status, 200);
  assert.deepEqual(r.json.metadata[0].aliases, [new URL(server.url).host]);
  for (const url of ['https://login.microsoftonline.com/common', `${server.url}.evil.example/`, `${server.url}0/`, ''])
    await refused(ask(url), 400, 50049);
});

test('cloud metadata: an object, an array and one object, by age', async () => {
  const host = `127.0.0.1:${server.port}`, base = `https://${host}/`;
  const shape = async (version, at = '/metadata/endpoints') => (await get(at, { version, headers: { host } })).json;
  const whole = (cloud) => {
    assert.equal(cloud.name, 'Holdfast');
    assert.equal(cloud.resourceManager, base);
    assert.equal(cloud.authentication.loginEndpoint, `${base}adfs`);
    assert.ok(cloud.authentication.audiences.includes(base));
    for (const key of ['portal', 'gallery', 'graph', 'graphAudience', 'microsoftGraphResourceId']) assert.equal(cloud[key], base, key);
    assert.equal(cloud.suffixes.storage, host);
  };
  const old = await shape('2015-01-01', '//metadata/endpoints/');
  assert.deepEqual(Object.keys(old), ['galleryEndpoint', 'graphEndpoint', 'portalEndpoint', 'authentication']);
  assert.equal(old.authentication.loginEndpoint, `${base}adfs`);
  for (const version of ['2018-05-01', '2019-05-01', '2020-09-01']) {
    const list = await shape(version);
    assert.equal(list.length, 1);
    whole(list[0]);
  }
  for (const version of ['2021-01-01', '2022-09-01', '2023-11-01']) whole(await shape(version));
});

// ---- holdfast env ----

test('env: lines that a shell takes, in any directory, without a secret', () => {
  const dir = path.join(server.root, 'it\'s "here"');
  run(binary, ['init', dir, '--listen', '127.0.0.1:9443']);
  const text = fs.readFileSync(path.join(dir, 'admin.env'), 'utf8');
  const env = (name) => text.match(new RegExp(`^HOLDFAST_${name}=(.*)$`, 'm'))[1];
  const lines = (client) => run(binary, ['env', client, dir]).stdout;
  const shell = (script) => run('bash', ['-euc', script], { cwd: server.root, env: { PATH: process.env.PATH } }).stdout;
  for (const client of ['az', 'js', 'python', 'terraform']) assert.ok(!lines(client).includes(env('CLIENT_SECRET')), client);

  const called = shell(`az() { printf '%s|' "$@"; echo; }\n${lines('az')}\necho "$REQUESTS_CA_BUNDLE"`).split('\n');
  assert.match(called[0], /^cloud\|register\|-n\|holdfast\|--endpoint-resource-manager\|https:\/\/localhost:9443\/\|.*\|--suffix-storage-endpoint\|localhost:9443\|$/);
  assert.equal(called[2], `login|--service-principal|-u|${env('CLIENT_ID')}|-p|${env('CLIENT_SECRET')}|--tenant|${env('TENANT')}|`);
  assert.equal(called[3], path.join(dir, 'tls/ca.pem'));

  const variables = shell(`node() { cat; }\n${lines('js')}\necho "$NODE_EXTRA_CA_CERTS $AZURE_AUTHORITY_HOST $AZURE_TENANT_ID $AZURE_CLIENT_SECRET"`);
  assert.ok(variables.trimEnd().endsWith(`${path.join(dir, 'tls/ca.pem')} https://localhost:9443 ${env('TENANT')} ${env('CLIENT_SECRET')}`), variables);
  run(process.execPath, ['--input-type=module', '--check'], { input: variables.slice(0, variables.lastIndexOf('\n', variables.length - 2)) });
  run('python3', ['-c', 'import sys; compile(sys.stdin.read(), "lines", "exec")'], { input: shell(`python3() { cat; }\n${lines('python')}`) });

  shell(lines('terraform'));
  assert.match(fs.readFileSync(path.join(server.root, 'holdfast.tf'), 'utf8'), /metadata_host\s+= "localhost:9443"/);
  assert.equal(shell(`${lines('terraform')}\necho "$ARM_CLIENT_SECRET"`).trim(), env('CLIENT_SECRET'));

  refusedVerb(run(binary, ['env', 'ftp', dir], { mayFail: true }), 2, /'ftp' is none of az, js, python, terraform/);
  refusedVerb(run(binary, ['env', 'az', '/none'], { mayFail: true }), 1, /'\/none' is not a data directory/);
});

test('what cannot be is refused, and nothing is made', () => {
  const before = made('list').length;
  refusedVerb(principal('add', 'ci'), 1, /principal 'ci' exists/);
  refusedVerb(principal('add', 'two\nlines'), 1, /not plain UTF-8/);
  refusedVerb(principal('add', '00000000-0000-4000-8000-000000000000'), 1, /looks like a client id/);
  refusedVerb(principal('add', 'reader', '--role', 'Overseer'), 1, /role 'Overseer' does not exist/);
  refusedVerb(principal('add', 'x', '--certificate', '/none.pem'), 1, /\/none\.pem/);
  refusedVerb(principal('add', 'x', '--certificate', path.join(server.dir, 'holdfast.conf')), 1, /no certificate in PEM form/);
  refusedVerb(principal('add', 'x', '--certificate', path.join(server.dir, 'tls/ca.pem')), 1, /no RSA key of 2048 to 4096 bits/);
  refusedVerb(principal('add', 'x', '--issuer', 'http://a', '--subject', 's'), 1, /no https URL/);
  refusedVerb(principal('remove', 'ci', '--credential', 'nope'), 1, /'ci' has no credential 'nope'/);
  refusedVerb(principal('add', 'x', '--issuer', 'https://a'), 2, /--issuer and --subject go together/);
  refusedVerb(principal('rotate', 'ci', '--overlap', '-1'), 2, /no number of days/);
  refusedVerb(principal('forget', 'ci'), 2, /'forget' is nothing/);
  assert.equal(made('list').length, before);
});
