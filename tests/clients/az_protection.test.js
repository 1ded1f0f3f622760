// az_protection.test.js - az protects a machine, backs it up, stops and deletes: one item's life.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Setup } from '../api/lib/flow.js';
import { Server } from '../api/lib/server.js';
import { Az } from './lib/az.js';

let server, az, s, point, waiting;
const held = 'backup/transfer/before=sleep:600000';	// until the server is started without it
const vault = '-g rg1 -v vault1';
const kind = '--backup-management-type AzureIaasVM --workload-type VM';
const item = `${vault} -c web1 -i web1 ${kind}`;

before(async () => {
  server = await (await Server.create()).start(held);
  az = new Az(server, 'az-protection');
  s = await Setup.create(server, 'web1');
  await az.signIn();
});
after(() => az.end());

const shown = () => az.run(`backup item show ${vault} -c web1 -n web1 ${kind}`);

test('check-vm, enable-for-vm with a disk left out', async () => {
  assert.equal(await az.runWithModels(`backup protection check-vm --vm ${s.vmId}`), undefined);
  const job = await az.runWithModels(`backup protection enable-for-vm ${vault} --vm web1 -p DefaultPolicy --disk-list-setting exclude --diskslist 1`);
  assert.equal(job.properties.operation, 'ConfigureBackup');
  assert.equal(job.properties.status, 'Completed');
  assert.equal(await az.runWithModels(`backup protection check-vm --vm ${s.vmId}`), s.vault);
});

test('update-for-vm takes the disk in again', async () => {
  assert.deepEqual((await shown()).properties.extendedProperties.diskExclusionProperties.diskLunList, [1]);
  await az.run(`backup protection update-for-vm ${vault} -c web1 -i web1 --disk-list-setting resetexclusionsettings`);
  assert.equal((await shown()).properties.extendedProperties?.diskExclusionProperties ?? null, null);
});

test('container and item, listed and shown by friendly and by native names', async () => {
  const containers = await az.run(`backup container list ${vault} --backup-management-type AzureIaasVM`);
  assert.deepEqual(containers.map((c) => c.name), [s.container]);
  assert.deepEqual(await az.run(`backup container show ${vault} -n web1 --backup-management-type AzureIaasVM`), containers[0]);
  const items = await az.run(`backup item list ${vault}`);
  assert.deepEqual(items.map((i) => i.id), [s.item]);
  assert.equal(items[0].properties.protectionState, 'IRPending');
  assert.deepEqual(await shown(), items[0]);
  assert.equal((await az.run(`backup item show ${vault} -c ${s.container} -n ${s.itemName}`)).id, s.item);
});

test('backup-now, job show, wait, stop', async () => {
  const stopped = await az.run(`backup protection backup-now ${item} --retain-until 01-01-2099`);
  assert.equal(stopped.properties.operation, 'Backup');
  assert.equal(stopped.properties.status, 'InProgress');
  waiting = az.run(`backup job wait ${vault} -n ${stopped.name}`);	// az looks again after 30 s: the tests go on
  await az.run(`backup job stop ${vault} -n ${stopped.name}`);
  assert.equal((await az.run(`backup job show ${vault} -n ${stopped.name}`)).properties.status, 'Cancelling');
  await server.stop('SIGKILL');
  await server.start();
  await s.jobEnd(stopped.name, 'Cancelled');
  const job = await az.run(`backup protection backup-now ${item} --retain-until 01-01-2099`);
  await s.jobEnd(job.name);
  const done = await az.run(`backup job show ${vault} -n ${job.name}`);
  assert.equal(done.properties.status, 'Completed');
  assert.equal(done.properties.entityFriendlyName, 'web1');
});

test('job list by operation, status and date', async () => {
  const names = async (filter) => (await az.run(`backup job list ${vault} ${filter}`)).map((j) => `${j.properties.operation} ${j.properties.status}`);
  assert.equal((await names('')).length, 4);
  assert.deepEqual(await names('--operation Backup --status Completed'), ['Backup Completed']);
  assert.deepEqual(await names('--status Cancelled'), ['Backup Cancelled']);
  assert.deepEqual(await names('--start-date 01-01-2001 --end-date 02-01-2001'), []);
});

test('recoverypoint list and show', async () => {
  const points = await az.run(`backup recoverypoint list ${item}`);
  assert.equal(points.length, 1);
  [{ name: point }] = points;
  assert.equal(points[0].properties.isManagedVirtualMachine, true);
  assert.equal((await az.run(`backup recoverypoint show ${item} -n ${point}`)).id, `${s.item}/recoveryPoints/${point}`);
  assert.deepEqual(await az.run(`backup recoverypoint list ${item} --start-date 01-01-2001 --end-date 02-01-2001`), []);
  assert.deepEqual((await az.run(`backup recoverypoint list ${item} --tier SnapshotAndVaultStandard`)).map((p) => p.name), [point]);
  assert.deepEqual(await az.run(`backup recoverypoint list ${item} --recommended-for-archive`), []);
  assert.match(await az.fails(`backup recoverypoint show ${item} -n 123456789012345`), /123456789012345/);
});

test('item set-policy', async () => {
  const policy = (await az.run(`backup policy list ${vault} ${kind}`)).find((p) => p.name !== 'DefaultPolicy');
  const job = await az.run(`backup item set-policy ${vault} -c web1 -n web1 -p ${policy.name} ${kind}`);
  assert.equal(job.properties.status, 'Completed');
  assert.equal((await shown()).properties.policyId.toLowerCase(), policy.id.toLowerCase());
});

test('disable keeps the data, resume protects again', async () => {
  const job = await az.run(`backup protection disable -y ${item}`);
  assert.equal(job.properties.operation, 'DisableBackup');
  assert.equal((await shown()).properties.protectionState, 'ProtectionStopped');
  assert.equal((await az.run(`backup recoverypoint list ${item}`)).length, 1);
  await az.run(`backup protection resume ${item} -p DefaultPolicy`);
  assert.notEqual((await shown()).properties.protectionState, 'ProtectionStopped');
});

test('disable with its data is undone by undelete', async () => {
  await az.run(`backup protection disable -y ${item} --delete-backup-data true`);
  assert.equal((await shown()).properties.isScheduledForDeferredDelete, true);
  await az.run(`backup protection undelete ${item}`);
  const back = await shown();
  assert.ok(!back.properties.isScheduledForDeferredDelete);
  assert.equal(back.properties.protectionState, 'ProtectionStopped');
  assert.equal((await az.run(`backup recoverypoint list ${item}`))[0].name, point);
});

test('without soft delete the data goes at once, then the vault', async () => {
  await az.run('backup vault backup-properties set -g rg1 -n vault1 --soft-delete-feature-state Disable');
  await az.run(`backup protection disable -y ${item} --delete-backup-data true`);
  assert.deepEqual(await az.run(`backup item list ${vault}`), []);
  await waiting;
  await az.run('backup vault delete -y -g rg1 -n vault1');
  assert.match(await az.fails('backup vault show -g rg1 -n vault1'), /ResourceNotFound/);
});
