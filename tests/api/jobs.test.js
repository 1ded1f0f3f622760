// jobs.test.js - operations that exclude each other, cancelling, live progress, selective backup,
// stop and resume.  A failpoint makes transfers slow enough to watch.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { ok, RESOURCES, Setup, V } from './lib/flow.js';
import { patience, Server, sleep } from './lib/server.js';

let server, s;
const slow = 'backup/transfer/before=sleep:1500;restore/transfer/before=sleep:1500';
before(async () => {
  server = await (await Server.create()).start(slow);
  s = await Setup.create(server);
  await s.protect();
});
after(() => server.destroy());

const trigger = () => request(server, 'POST', `${s.item}/backup`, { version: V, body: { properties: { objectType: 'IaasVMBackupRequest' } } });

// The operation ends when the job exists, long before the job does.
async function started(reply) {
  assert.equal(reply.status, 202, reply.text);
  return (await s.finished(reply)).properties.jobId;
}

test('a running job shows its tasks and progress', async () => {
  const id = await started(await trigger());
  const job = (await s.job(id)).properties;
  assert.equal(job.status, 'InProgress');
  assert.deepEqual(job.actionsInfo, ['Cancellable']);
  assert.equal(job.endTime, undefined);
  assert.ok(job.extendedInfo.progressPercentage < 100);
  assert.ok(job.extendedInfo.tasksList.some((t) => t.status === 'InProgress' || t.status === 'NotStarted'));
  const running = job.extendedInfo.tasksList.find((t) => t.status === 'InProgress');
  if (running) assert.equal(running.endTime, '0001-01-01T00:00:00');
  await s.jobEnd(id);
});

test('a second operation on a locked item', async () => {
  const id = await started(await trigger());
  const second = await trigger();
  assert.equal(second.status, 400, second.text);
  assert.match(second.json.error.code, /UserErrorBackupOperationInProgress|BMSUserErrorObjectLocked/);
  const configure = await request(server, 'PUT', s.item, { version: V, body: { properties: { protectedItemType: 'Microsoft.Compute/virtualMachines', sourceResourceId: s.vmId, policyId: `${s.vault}/backupPolicies/DefaultPolicy` } } });
  assert.equal(configure.status, 400);
  assert.match(configure.json.error.code, /ObjectLocked|Conflicting/);
  await s.jobEnd(id);
});

test('cancel a backup: no point, the item goes on working', async () => {
  const before = (await s.points()).length;
  const id = await started(await trigger());
  const r = await request(server, 'POST', `${s.vault}/backupJobs/${id}/cancel`, { version: V });
  assert.equal(r.status, 202, r.text);
  const shown = (await s.job(id)).properties.status;
  assert.ok(['Cancelling', 'Cancelled'].includes(shown), shown);
  await s.jobEnd(id, 'Cancelled');
  let result;
  do result = await ok(server, 'GET', r.headers.location); while (result.status === 202);
  assert.equal(result.status, 204);
  assert.equal((await s.points()).length, before);
  const again = await request(server, 'POST', `${s.vault}/backupJobs/${id}/cancel`, { version: V });
  assert.equal(again.status, 400, again.text);
  await s.backup();
  assert.equal((await s.points()).length, before + 1);
});

test('cancel a restore: nothing half-made stays', async () => {
  const target = `${s.sub}/resourceGroups/cancelled`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  const pool = `${server.dir}/regions/eastus/disks`;
  const files = () => (fs.existsSync(pool) ? fs.readdirSync(pool) : []);
  const before = files();
  const [{ name }] = await s.points();
  const id = await started(await s.restore(name, 'RestoreDisks', { targetResourceGroupId: target }));
  assert.equal((await request(server, 'POST', `${s.vault}/backupJobs/${id}/cancel`, { version: V })).status, 202);
  const job = await s.jobEnd(id, 'Cancelled');
  assert.ok(job.properties.endTime);
  assert.deepEqual(await s.disks('cancelled'), []);
  assert.deepEqual(files(), before);
});

test('an unknown job', async () => {
  const r = await request(server, 'GET', `${s.vault}/backupJobs/00000000-0000-4000-8000-00000000dead`, { version: V });
  assert.ok(r.status === 404 || r.status === 400);
  assert.match(r.json.error.message, /00000000-0000-4000-8000-00000000dead/);
});

test('SIGTERM during a backup: the next start finishes it', async () => {
  const id = await started(await trigger());
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  await server.start();
  await s.jobEnd(id);
});

test('selective backup: only the chosen disks, and the point says so', async () => {
  await s.protect({ extendedProperties: { diskExclusionProperties: { diskLunList: [1], isInclusionList: true } } });
  await s.backup();
  const [{ name, properties }] = await s.points();
  assert.equal(properties.recoveryPointDiskConfiguration.numberOfDisksIncludedInBackup, 2);
  assert.equal(properties.recoveryPointDiskConfiguration.numberOfDisksAttachedToVm, 3);
  assert.equal(properties.recoveryPointDiskConfiguration.includedDiskList, undefined);
  const one = (await ok(server, 'GET', `${s.item}/recoveryPoints/${name}`, { version: V })).json.properties.recoveryPointDiskConfiguration;
  assert.deepEqual(one.includedDiskList.map((d) => d.lun).sort(), [-1, 1]);
  assert.deepEqual(one.excludedDiskList.map((d) => d.lun), [0]);
  const r = await s.restore(name, 'OriginalLocation');
  assert.equal(r.status, 400);
  assert.equal(r.json.error.code, 'UserErrorOlrNotSupportedOnRpWithDisksExcluded');
  await s.protect({ extendedProperties: {} });
});

test('stop with data kept, then resume', async () => {
  const count = (await s.points()).length;
  await s.protect({ policyId: '', protectionState: 'ProtectionStopped' });
  let p = (await ok(server, 'GET', s.item, { version: V })).json.properties;
  assert.equal(p.protectionState, 'ProtectionStopped');
  assert.equal(p.policyId, '');
  const r = await trigger();
  assert.equal(r.status, 400, 'no backup while stopped');
  assert.equal((await s.points()).length, count);
  await s.protect();
  p = (await ok(server, 'GET', s.item, { version: V })).json.properties;
  assert.equal(p.protectionState, 'Protected');
  const jobs = (await ok(server, 'GET', `${s.vault}/backupJobs`, { version: V })).json.value.map((j) => j.properties.operation);
  assert.ok(jobs.includes('DisableBackup') && jobs.includes('ConfigureBackup'));
});

test('a vault keeps its redundancy once something is protected', async () => {
  const r = await ok(server, 'GET', `${s.vault}/backupstorageconfig/vaultstorageconfig`, { version: '2016-12-01' });
  assert.equal(r.json.properties.storageTypeState, 'Locked');
  assert.equal(r.json.properties.storageModelType, 'GeoRedundant');
});
