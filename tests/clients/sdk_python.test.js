// sdk_python.test.js - Debian's Python SDK through one backup and restore; sdk.py has the steps.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ok, Setup, VAULTS } from '../api/lib/flow.js';
import { contentHash } from '../api/lib/images.js';
import { run, Server } from '../api/lib/server.js';

let server, s;

before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server, 'web1', { vault: 'unused' });
  await ok(server, 'DELETE', s.vault, { version: VAULTS });
});
after(() => server.destroy());

const step = (name) => JSON.parse(run('/usr/bin/python3', [path.join(import.meta.dirname, 'sdk.py'), name],
  { maxBuffer: 16 << 20, env: { PATH: process.env.PATH, ...server.env, REQUESTS_CA_BUNDLE: server.env.HOLDFAST_CA } }).stdout);

test('sign in by secret; a vault, its policy and settings', () => step('vault'));
test('protect and back up', () => step('backup'));

test('restore by the poller', () => {
  const hashes = step('restore').map((file) => contentHash(file));
  assert.deepEqual(hashes.sort(), [contentHash(s.os, 'qcow2'), ...s.data.map((file) => contentHash(file))].sort());
});

test('errors have their code and message', () => step('errors'));
test('delete the item, then the vault', () => step('delete'));
