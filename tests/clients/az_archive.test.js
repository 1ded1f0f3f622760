// az_archive.test.js - az moves a recovery point to the archive tier, finds it by its tier, and restores it with
// rehydration; the bytes are compared.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Setup } from '../api/lib/flow.js';
import { contentHash } from '../api/lib/images.js';
import { Server } from '../api/lib/server.js';
import { Az } from './lib/az.js';

let server, az, s, old, newest, data;
const vault = '-g rg1 -v vault1';
const kind = '--backup-management-type AzureIaasVM --workload-type VM';
const item = `${vault} -c web1 -i web1 ${kind}`;

before(async () => {
  server = await Server.create({ conf: (text) => text.replace('#archive =', 'archive = cold').replace(/^archive_after = .*/m, 'archive_after = 0') });
  fs.mkdirSync(path.join(server.dir, 'cold'));
  await server.start();
  az = new Az(server, 'az-archive');
  s = await Setup.create(server, 'web1');
  await s.protect();
  await az.signIn();
  data = contentHash(s.data[0]);
  for (let i = 0; i < 2; i++) await s.jobEnd((await az.run(`backup protection backup-now ${item} --retain-until 01-01-2199`)).name);
  [newest, old] = (await s.points()).map((p) => p.name);
});
after(() => az.end());

const list = async (options) => (await az.run(`backup recoverypoint list ${item} ${options}`)).map((p) => p.name);

test('points that may be moved, and those that az is recommended', async () => {
  assert.deepEqual(await list('--target-tier VaultArchive --is-ready-for-move true'), [newest, old]);
  assert.deepEqual(await list('--target-tier VaultArchive --is-ready-for-move false'), []);
  assert.deepEqual(await list('--recommended-for-archive'), [old]);
});

test('move', async () => {
  const job = await az.run(`backup recoverypoint move ${vault} -c web1 -i web1 ${kind} -n ${old} --source-tier VaultStandard --destination-tier VaultArchive`);
  await s.jobEnd(job.name);
  assert.deepEqual(await list('--tier VaultArchive'), [old]);
  assert.deepEqual(await list('--tier SnapshotAndVaultStandard'), [newest]);
  assert.deepEqual(await list('--recommended-for-archive'), []);
  assert.match(await az.fails(`backup recoverypoint move ${vault} -c web1 -i web1 ${kind} -n ${old} --source-tier VaultStandard --destination-tier VaultArchive`), /already been moved to archive tier/);
});

test('restore with rehydration', async () => {
  await az.run('group create -n thawed -l eastus');
  const restore = `backup restore restore-disks ${vault} -c web1 -i web1 -r ${old} --storage-account staging1 -t thawed`;
  assert.match(await az.fails(restore), /in archive tier/);	// az asks for a priority
  const job = await az.run(`${restore} --rehydration-duration 12 --rehydration-priority High`);
  await s.jobEnd(job.name);
  assert.ok((await az.run('disk list -g thawed')).some((d) => contentHash(d.tags['holdfast:path']) === data));
  assert.deepEqual(await list('--tier VaultStandardRehydrated'), [old]);
});
