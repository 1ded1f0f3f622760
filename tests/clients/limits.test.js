// limits.test.js - Debian's az and Python SDK wait by themselves when the server says 429.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { RESOURCES } from '../api/lib/flow.js';
import { request } from '../api/lib/http.js';
import { run, Server, sleep } from '../api/lib/server.js';
import { Az } from './lib/az.js';

let server, az;

before(async () => {
  server = await (await Server.create({ limits: { reads: 3 }, conf: (text) => text.replace(/^reads_refill\s*=.*$/m, 'reads_refill = 1') })).start();
  az = new Az(server, 'limits');
  await az.signIn();
});
after(() => az.end());

const refused = (target) => fs.readFileSync(server.logPath, 'utf8').split('\n')
  .filter((l) => l.includes(`path=${target} `) && l.includes('code=SubscriptionRequestsThrottled')).length;

test('the Python SDK', () => {
  const names = JSON.parse(run('/usr/bin/python3', [path.join(import.meta.dirname, 'sdk.py'), 'limits'],
    { maxBuffer: 16 << 20, env: { PATH: process.env.PATH, ...server.env, REQUESTS_CA_BUNDLE: server.env.HOLDFAST_CA } }).stdout);
  assert.equal(names.length, 8);
  assert.ok(refused(`/subscriptions/${server.subscription}/resourcegroups`) > 0, 'the limit was met');
});

// Another program of the same principal takes all there is, until az has met the limit.
test('az', async () => {
  const list = `/subscriptions/${server.subscription}/resourcegroups`, before = refused(list);
  let over = false;
  const greedy = (async () => {
    for (let i = 0; !over && refused(list) === before; i++) {
      const r = await request(server, 'GET', `${list.replace('groups', 'Groups')}/none`, { version: RESOURCES });
      assert.ok([404, 429].includes(r.status), r.text);
      await sleep(20);
    }
  })();
  try {
    assert.deepEqual(await az.run('group list'), []);
  } finally {
    over = true;
    await greedy;
  }
  assert.ok(refused(list) > before, 'the limit was met');
});
