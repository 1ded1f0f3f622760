// identity.test.js - principals and what proves them: secrets, certificates, other issuers.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ok, RESOURCES } from './lib/flow.js';
import { request } from './lib/http.js';
import { binary, run, Server } from './lib/server.js';

const SCOPE = 'https://management.azure.com/.default';
let server;

before(async () => {
  server = await (await Server.create()).start();
});
after(async () => server.destroy());

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

test('what cannot be is refused, and nothing is made', () => {
  const before = made('list').length;
  refusedVerb(principal('add', 'ci'), 1, /principal 'ci' exists/);
  refusedVerb(principal('add', 'two\nlines'), 1, /not plain UTF-8/);
  refusedVerb(principal('add', '00000000-0000-4000-8000-000000000000'), 1, /looks like a client id/);
  refusedVerb(principal('add', 'reader', '--role', 'Reader'), 1, /role 'Reader' does not exist/);
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
