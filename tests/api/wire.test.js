// wire.test.js - transport rules: tokens, api-versions, casing, slashes, encodings, limits.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { COMPUTE, ok, RESOURCES, Setup, V } from './lib/flow.js';
import { run, Server } from './lib/server.js';

let server, s;
before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
});
after(() => server.destroy());

test('without a token: 401 and how to get one', async () => {
  const r = await request(server, 'GET', s.vault, { version: V, token: null });
  assert.equal(r.status, 401);
  assert.equal(r.json.error.code, 'AuthenticationFailed');
  assert.match(r.headers['www-authenticate'], /^Bearer authorization_uri="https:\/\//);
});

test('foreign, damaged and unsigned tokens: 401', async () => {
  const good = server.token();
  const [h, p, sig] = good.split('.');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  const claims = JSON.parse(Buffer.from(p, 'base64url'));
  const old = Buffer.from(JSON.stringify({ ...claims, exp: 1 })).toString('base64url');
  for (const bad of [`${h}.${p}.${sig.slice(0, -4)}AAAA`, `${none}.${p}.`, `${h}.${old}.${sig}`, 'x', 'a.b.c', `${h}.${p}`]) {
    const r = await request(server, 'GET', s.vault, { version: V, token: bad });
    assert.equal(r.status, 401, bad);
    assert.equal(r.json.error.code, 'InvalidAuthenticationToken');
  }
});

test('a token of another installation: 401', async () => {
  const other = await Server.create();
  try {
    const r = await request(server, 'GET', s.vault, { version: V, token: other.token() });
    assert.equal(r.status, 401);
  } finally {
    await other.destroy();
  }
});

test('tokens by client credentials, v1 and v2, and from /adfs', async () => {
  const form = (o) => new URLSearchParams(o).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const base = { grant_type: 'client_credentials', scope: 'https://management.azure.com/.default', client_id: server.env.HOLDFAST_CLIENT_ID, client_secret: server.env.HOLDFAST_CLIENT_SECRET };
  for (const [path, more] of [[`/${server.tenant}/oauth2/v2.0/token`, { scope: 'https://management.azure.com/.default' }],
    [`/${server.tenant}/oauth2/token`, { resource: 'https://management.azure.com/' }],
    ['/adfs/oauth2/token', { scope: `${server.url}//.default`, client_info: '1', claims: '{"access_token":{}}' }]]) {
    const r = await request(server, 'POST', path, { token: null, headers, body: form({ ...base, ...more }) });
    assert.equal(r.status, 200, r.text);
    assert.equal(r.json.token_type, 'Bearer');
    assert.ok(Number(r.json.expires_in) >= 3600);
    const subs = await ok(server, 'GET', '/subscriptions', { token: r.json.access_token, version: '2019-11-01' });
    assert.equal(subs.json.value[0].subscriptionId, server.subscription);
  }
  const bad = await request(server, 'POST', '/adfs/oauth2/token', { token: null, headers, body: form({ ...base, client_secret: 'wrong' }) });
  assert.equal(bad.status, 401);
  assert.equal(bad.json.error, 'invalid_client');
  const unknown = await request(server, 'POST', '/adfs/oauth2/token', { token: null, headers, body: form({ ...base, client_id: '00000000-0000-4000-8000-000000000000' }) });
  assert.equal(unknown.status, 400);
  assert.equal(unknown.json.error, 'unauthorized_client');
  const grant = await request(server, 'POST', '/adfs/oauth2/token', { token: null, headers, body: form({ ...base, grant_type: 'password' }) });
  assert.equal(grant.status, 400);
  assert.ok(!server.log().includes(server.env.HOLDFAST_CLIENT_SECRET), 'no secret in the log');
});

test('discovery documents name the host that was asked', async () => {
  for (const path of ['/adfs/.well-known/openid-configuration', `/${server.tenant}/v2.0/.well-known/openid-configuration`]) {
    const r = await request(server, 'GET', path, { token: null });
    assert.equal(r.status, 200);
    for (const key of ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri'])
      assert.equal(new URL(r.json[key]).host, new URL(server.url).host, key);
    const keys = await request(server, 'GET', r.json.jwks_uri, { token: null });
    assert.equal(keys.json.keys[0].kty, 'RSA');
    assert.equal(keys.json.keys[0].d, undefined, 'the private part stays home');
  }
});

test('a host name that the settings do not list', async () => {
  const r = await request(server, 'GET', '/health', { token: null, headers: { host: 'evil.example' } });
  assert.equal(r.status, 400);
});

test('api-version: missing, unknown, every known one', async () => {
  const missing = await request(server, 'GET', s.vault);
  assert.equal(missing.status, 400);
  assert.equal(missing.json.error.code, 'MissingApiVersionParameter');
  const unknown = await request(server, 'GET', s.vault, { version: '2099-01-01' });
  assert.equal(unknown.status, 400);
  assert.ok(['NoRegisteredProviderFound', 'InvalidResourceType', 'InvalidApiVersionParameter'].includes(unknown.json.error.code), unknown.text);
  assert.match(unknown.json.error.message, /2099-01-01/);
  for (const v of ['2016-06-01', '2016-12-01', '2017-07-01', '2019-05-13', '2019-06-15', '2020-10-01', '2021-01-01', '2022-02-01', '2022-06-01-preview', '2022-09-01-preview', '2022-10-01', '2023-01-01', '2023-02-01', '2023-06-01', '2024-04-01', '2025-02-01', '2025-08-01'])
    await ok(server, 'GET', s.vault, { version: v });
});

test('casing, doubled and trailing slashes, %3B', async () => {
  await s.protect();
  const forms = [
    s.item.replace('/subscriptions/', '/Subscriptions/').replace('/resourceGroups/', '/resourcegroups/'),
    s.item.toUpperCase(),
    s.item.replaceAll(';', '%3B'),
    s.item.replaceAll(';', '%3b'),
    `${s.item}/`,
    s.item.replace('/vaults/', '//vaults//'),
    s.item.replace('IaasVMContainer;', 'iaasvmcontainer;').replace('VM;', 'vm;'),
  ];
  for (const path of forms) {
    const r = await ok(server, 'GET', path, { version: V });
    assert.equal(r.json.id.toLowerCase(), s.item.toLowerCase(), path);
    assert.ok(r.json.id.includes('/backupFabrics/Azure/protectionContainers/IaasVMContainer;') && r.json.id.includes('/protectedItems/VM;'), r.json.id);
  }
  const echoed = await ok(server, 'GET', forms[0], { version: V });
  assert.ok(echoed.json.id.startsWith('/Subscriptions/'), 'the casing of /Subscriptions is echoed');
  const classic = await request(server, 'GET', `${s.group.replace('resourceGroups', 'resourcegroups')}/providers/Microsoft.ClassicStorage/storageAccounts//staging1`, { version: '2015-12-01' });
  assert.equal(classic.status, 404);
  const account = await ok(server, 'GET', `${s.group.replace('resourceGroups', 'resourcegroups')}/providers/Microsoft.Storage/storageAccounts//staging1`, { version: '2016-01-01' });
  assert.equal(account.json.id, s.accountId);
});

test('$filter: both encodings, any order, unknown keys', async () => {
  for (const q of ["$filter=backupManagementType eq 'AzureIaasVM'", "%24filter=backupManagementType+eq+%27AzureIaasVM%27", "$filter=itemType eq 'VM' and backupManagementType eq 'AzureIaasVM'"]) {
    const r = await ok(server, 'GET', `${s.vault}/backupProtectedItems?${q.replaceAll(' ', '%20')}`, { version: V });
    assert.equal(r.json.value.length, 1, q);
  }
  for (const q of ["colour eq 'red'", "backupManagementType eq", "backupManagementType ne 'AzureIaasVM'", "' or 1=1 --"]) {
    const r = await request(server, 'GET', `${s.vault}/backupProtectedItems?$filter=${encodeURIComponent(q)}`, { version: V });
    assert.equal(r.status, 400, q);
    assert.equal(r.json.error.code, 'BMSUserErrorInvalidInput');
  }
});

test('what is not there: the exact ARM answers', async () => {
  const vault = await request(server, 'GET', s.vault.replace('vault1', 'nothere'), { version: V });
  assert.equal(vault.status, 404);
  assert.deepEqual(vault.json, { error: { code: 'ResourceNotFound', message: "The Resource 'Microsoft.RecoveryServices/vaults/nothere' under resource group 'rg1' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix" } });
  assert.equal(vault.headers['x-ms-failure-cause'], 'gateway');
  const group = await request(server, 'GET', s.vault.replace('/rg1/', '/norg/'), { version: V });
  assert.equal(group.status, 404);
  assert.deepEqual(group.json.error, { code: 'ResourceGroupNotFound', message: "Resource group 'norg' could not be found." });
  const sub = await request(server, 'GET', s.vault.replace(server.subscription, '00000000-0000-4000-8000-000000000000'), { version: V });
  assert.equal(sub.status, 404);
  assert.equal(sub.json.error.code, 'SubscriptionNotFound');
  const policy = await request(server, 'GET', `${s.vault}/backupPolicies/none`, { version: V });
  assert.equal(policy.status, 404);
  assert.equal(policy.text, '{}');
  const route = await request(server, 'GET', `${s.vault}/nothing/here`, { version: V });
  assert.equal(route.status, 404);
  const method = await request(server, 'DELETE', `${s.vault}/backupJobs`, { version: V });
  assert.equal(method.status, 405);
});

test('bodies: malformed, empty, too large, wrong type', async () => {
  for (const body of ['{', '', '[]', '"x"', '{"a":1,"a":2}']) {
    const r = await request(server, 'PUT', s.vmId, { version: COMPUTE, body, headers: { 'content-type': 'application/json' } });
    assert.equal(r.status, 400, body);
    assert.ok(r.json.error.code);
  }
  const huge = await request(server, 'PUT', s.vmId, { version: COMPUTE, body: `{"a":"${'x'.repeat(4 * 1024 * 1024)}"}` }).catch((e) => e);
  assert.ok(huge.status === 413 || huge.code === 'EPIPE' || huge.code === 'ECONNRESET', String(huge.status ?? huge));
  await ok(server, 'GET', s.vmId, { version: COMPUTE });	// unharmed
});

function rawRequest(text) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: server.port, ca: server.ca, servername: 'localhost' }, () => socket.write(text));
    let got = '';
    socket.setTimeout(10000, () => socket.destroy(new Error(`no answer: ${got}`)));
    socket.on('data', (d) => { got += d; });
    socket.on('end', () => resolve(got));
    socket.on('close', () => resolve(got));
    socket.on('error', reject);
  });
}

// What a client that speaks only `version` agrees on with the server at `port`; null: nothing.
function handshake(port, version) {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ca: server.ca, servername: 'localhost',
      minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on('error', () => resolve(null));
  });
}

test('TLS 1.2 and 1.3, nothing older', async () => {
  const pem = (name) => fs.readFileSync(path.join(server.dir, 'tls', name));
  // one that takes anything: it is not the client that refuses
  const lenient = tls.createServer({ cert: pem('server.pem'), key: pem('server.key'), minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
  lenient.on('error', () => {});
  await new Promise((resolve) => lenient.listen(0, '127.0.0.1', resolve));
  try {
    for (const old of ['TLSv1', 'TLSv1.1']) {
      assert.equal(await handshake(lenient.address().port, old), old);
      assert.equal(await handshake(server.port, old), null);
    }
    for (const fine of ['TLSv1.2', 'TLSv1.3']) assert.equal(await handshake(server.port, fine), fine);
  } finally {
    lenient.close();
  }
});

test('requests that could be smuggled are refused', async () => {
  const host = `Host: localhost:${server.port}\r\n`;
  const close = 'Connection: close\r\n\r\n';
  for (const [what, text] of [
    ['two Hosts', `GET /health HTTP/1.1\r\n${host}${host}${close}`],
    ['two Content-Lengths', `POST /adfs/oauth2/token HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n${close}abcd`],
    ['length and chunked', `POST /adfs/oauth2/token HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n${close}0\r\n\r\n`],
    ['no Host', `GET /health HTTP/1.1\r\n${close}`],
    ['another host in the target', `GET https://evil.example/health HTTP/1.1\r\n${host}${close}`],
    ['NUL in the path', `GET /health%00 HTTP/1.1\r\n${host}${close}`],
    ['slash in a segment', `GET /subscriptions/a%2Fb/resourceGroups?api-version=2021-04-01 HTTP/1.1\r\n${host}${close}`],
    ['dots in a segment', `GET /subscriptions/%2e%2e/health HTTP/1.1\r\n${host}${close}`],
  ])
    assert.match(await rawRequest(text), /^HTTP\/1\.1 400/, what);
});

test('one server per data directory; wrong use is told', async () => {
  const { HOLDFAST_BINARY } = process.env;
  const binary = HOLDFAST_BINARY ?? new URL('../../build/holdfast', import.meta.url).pathname;
  const second = run(binary, ['serve', server.dir, '--listen', '127.0.0.1:0'], { mayFail: true });
  assert.notEqual(second.status, 0);
  assert.match(second.stderr, /another|running|busy|lock/i);
  const again = run(binary, ['init', server.dir], { mayFail: true });
  assert.notEqual(again.status, 0);
  assert.ok(again.stderr.includes(server.dir));
  assert.equal(run(binary, ['nonsense'], { mayFail: true }).status, 2);
  for (const verb of ['init', 'serve', 'token', 'status', 'vm', 'job'])
    assert.equal(run(binary, [verb, '--help']).status, 0, verb);
});

test('resource groups', async () => {
  const g = `${s.sub}/resourceGroups/throwaway`;
  assert.equal((await request(server, 'HEAD', g, { version: RESOURCES })).status, 404);
  assert.equal((await request(server, 'PUT', g, { version: RESOURCES, body: { location: 'West US', tags: { a: 'b' } } })).status, 201);
  const r = await ok(server, 'GET', g, { version: RESOURCES });
  assert.equal(r.json.location, 'westus');
  assert.deepEqual(r.json.tags, { a: 'b' });
  assert.equal((await request(server, 'HEAD', g, { version: RESOURCES })).status, 204);
  const d = await request(server, 'DELETE', g, { version: RESOURCES });
  assert.equal(d.status, 202);
  let p;
  do p = await ok(server, 'GET', d.headers.location); while (p.status === 202);
  assert.equal(p.status, 200);
  assert.equal((await request(server, 'GET', g, { version: RESOURCES })).status, 404);
});

test('lists come in pages of 200, without a row lost or repeated', async () => {
  const policy = (await ok(server, 'GET', `${s.vault}/backupPolicies/DefaultPolicy`, { version: V })).json;
  for (let i = 0; i < 205; i++) {
    await ok(server, 'PUT', `${s.sub}/resourceGroups/page${i}`, { version: RESOURCES, body: { location: 'eastus' } });
    await ok(server, 'PUT', `${s.vault}/backupPolicies/page${i}`, { version: V, body: { properties: policy.properties } });
  }
  for (const [url, version, more] of [[`${s.sub}/resourcegroups`, RESOURCES, ''],
    [`${s.vault}/backupPolicies`, V, '?$filter=' + encodeURIComponent("backupManagementType eq 'AzureIaasVM'")]]) {
    const names = [];
    let pages = 0;
    for (let next = url + more; next; pages++) {
      const r = await ok(server, 'GET', next, pages === 0 ? { version } : {});
      assert.ok(r.json.value.length <= 200);
      names.push(...r.json.value.map((x) => x.name));
      next = r.json.nextLink;
      if (next && more) assert.ok(decodeURIComponent(next).includes('$filter='), 'the filter stays in the link');
    }
    assert.equal(pages, 2);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.length >= 206 && names.includes('page0') && names.includes('page204'));
  }
  const bad = await request(server, 'GET', `${s.vault}/backupPolicies?$skipToken=nonsense!`, { version: V });
  assert.equal(bad.status, 400);
});
