// sdk.test.js - the official JavaScript SDKs, as a program would use them: the newest packages, a
// token credential, and nothing patched but the certificate to trust.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ComputeManagementClient } from '@azure/arm-compute';
import { RecoveryServicesClient } from '@azure/arm-recoveryservices';
import { RecoveryServicesBackupClient } from '@azure/arm-recoveryservicesbackup';
import { StorageManagementClient } from '@azure/arm-storage';
import { contentHash } from './lib/images.js';
import { ok, RESOURCES, Setup } from './lib/flow.js';
import { Server, sleep } from './lib/server.js';

let server, s, vaults, backup, compute, storage, point;

before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server, 'web-1', { vault: 'unused' });
  s.vaultName = 'vault1';
  s.vault = s.vault.replace('unused', 'vault1');
  s.item = s.item.replace('unused', 'vault1');
  const credential = { getToken: async () => ({ token: server.token(), expiresOnTimestamp: Date.now() + 3600e3 }) };
  const options = { endpoint: server.url, additionalPolicies: [{ position: 'perCall', policy: { name: 'trust',
    sendRequest(request, next) {
      request.tlsSettings = { ca: server.ca };
      return next(request);
    } } }] };
  vaults = new RecoveryServicesClient(credential, server.subscription, options);
  backup = new RecoveryServicesBackupClient(credential, server.subscription, options);
  compute = new ComputeManagementClient(credential, server.subscription, options);
  storage = new StorageManagementClient(credential, server.subscription, options);
});
after(() => server.destroy());

const all = async (pages) => {
  const rows = [];
  for await (const row of pages) rows.push(row);
  return rows;
};

// protectedItems, backups: the caller reads the header and asks for the operation by id
async function triggered(call) {
  let header;
  await call({ onResponse: (r) => { header = r.headers.get('azure-asyncoperation'); } });
  const id = new URL(header).pathname.split('/').pop();
  for (;;) {
    const op = await backup.backupOperationStatuses.get('vault1', 'rg1', id);
    if (op.status !== 'InProgress') {
      assert.equal(op.status, 'Succeeded', JSON.stringify(op));
      return op.properties.jobId;
    }
    await sleep(100);
  }
}

async function jobDone(id) {
  for (;;) {
    const job = await backup.jobDetails.get('vault1', 'rg1', id);
    if (job.properties.status !== 'InProgress') {
      assert.equal(job.properties.status, 'Completed', JSON.stringify(job));
      return job;
    }
    await sleep(100);
  }
}

test('vault: created by the poller, read, listed, patched', async () => {
  const v = await vaults.vaults.createOrUpdate('rg1', 'vault1', { location: 'eastus', sku: { name: 'Standard' }, properties: { publicNetworkAccess: 'Enabled' } });
  assert.equal(v.properties.provisioningState, 'Succeeded');
  assert.equal(v.id, s.vault);
  assert.equal((await vaults.vaults.get('rg1', 'vault1')).name, 'vault1');
  assert.ok((await all(vaults.vaults.listByResourceGroup('rg1'))).some((x) => x.name === 'vault1'));
  const patched = await vaults.vaults.update('rg1', 'vault1', { tags: { team: 'a' } });
  assert.equal(patched.tags.team, 'a');
});

test('compute and storage as the SDKs read them', async () => {
  const vm = await compute.virtualMachines.get('rg1', 'web-1');
  assert.equal(vm.storageProfile.dataDisks.length, 2);
  assert.equal((await all(compute.disks.listByResourceGroup('rg1'))).length, 3);
  const view = await compute.virtualMachines.instanceView('rg1', 'web-1');
  assert.equal(view.statuses.at(-1).code, 'PowerState/deallocated');
  await compute.virtualMachines.start('rg1', 'web-1');
  assert.equal((await compute.virtualMachines.instanceView('rg1', 'web-1')).statuses.at(-1).code, 'PowerState/running');
  await compute.virtualMachines.deallocate('rg1', 'web-1');
  const account = await storage.storageAccounts.getProperties('rg1', 'staging1');
  assert.equal(account.primaryEndpoints.blob, `${server.url}/staging1/`);
  assert.equal((await storage.storageAccounts.listKeys('rg1', 'staging1')).keys.length, 2);
});

test('protect and back up', async () => {
  const job = await triggered((o) => backup.protectedItems.createOrUpdate('vault1', 'rg1', 'Azure', s.container, s.itemName, {
    properties: { protectedItemType: 'Microsoft.Compute/virtualMachines', sourceResourceId: s.vmId, policyId: `${s.vault}/backupPolicies/DefaultPolicy` } }, o));
  assert.equal((await jobDone(job)).properties.operation, 'ConfigureBackup');
  const items = await all(backup.backupProtectedItems.list('vault1', 'rg1', { filter: "backupManagementType eq 'AzureIaasVM'" }));
  assert.equal(items.length, 1);
  assert.equal(items[0].properties.virtualMachineId, s.vmId);
  assert.equal(items[0].properties.friendlyName, 'web-1');
  const containers = await all(backup.backupProtectionContainers.list('vault1', 'rg1', { filter: "backupManagementType eq 'AzureIaasVM'" }));
  assert.equal(containers[0].name, s.container);
  const done = await jobDone(await triggered((o) => backup.backups.trigger('vault1', 'rg1', 'Azure', s.container, s.itemName,
    { properties: { objectType: 'IaasVMBackupRequest' } }, o)));
  assert.equal(done.properties.extendedInfo.tasksList.length, 2);
  const points = await all(backup.recoveryPoints.list('vault1', 'rg1', 'Azure', s.container, s.itemName));
  assert.equal(points.length, 1);
  assert.ok(points[0].properties.recoveryPointTime instanceof Date);
  point = points[0].name;
});

test('policies: the SDK reads and writes them', async () => {
  const policy = await backup.protectionPolicies.get('vault1', 'rg1', 'DefaultPolicy');
  assert.equal(policy.properties.backupManagementType, 'AzureIaasVM');
  assert.equal(policy.properties.protectedItemsCount, 1);
  const mine = await backup.protectionPolicies.createOrUpdate('vault1', 'rg1', 'mine', { properties: policy.properties });
  assert.equal(mine.name, 'mine');
  assert.ok((await all(backup.backupPolicies.list('vault1', 'rg1'))).length >= 3);
  await backup.protectionPolicies.beginDeleteAndWait('vault1', 'rg1', 'mine');
});

test('restore by the poller: disks in a group, names as Azure makes them', async () => {
  const target = `${s.sub}/resourceGroups/sdkback`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  await backup.restores.beginTriggerAndWait('vault1', 'rg1', 'Azure', s.container, s.itemName, point, {
    properties: { ...s.restoreBody(point, 'RestoreDisks').properties, targetResourceGroupId: target } });
  const jobs = await all(backup.backupJobs.list('vault1', 'rg1', { filter: "operation eq 'Restore'" }));
  assert.equal(jobs.length, 1);
  await jobDone(jobs[0].name);
  const disks = await all(compute.disks.listByResourceGroup('sdkback'));
  assert.equal(disks.length, 3);
  const os = disks.find((d) => d.name.startsWith('web1-osdisk-'));
  assert.ok(os, 'dashes of the VM name are dropped');
  assert.equal(contentHash(os.tags['holdfast:path']), contentHash(s.os, 'qcow2'));
});

test('errors reach the caller as RestError with code and status', async () => {
  await assert.rejects(backup.recoveryPoints.get('vault1', 'rg1', 'Azure', s.container, s.itemName, '123456789012345'), (e) => {
    assert.equal(e.name, 'RestError');
    assert.ok([400, 404].includes(e.statusCode));
    assert.ok(e.code && e.message.includes('123456789012345'));
    return true;
  });
  await assert.rejects(vaults.vaults.get('rg1', 'nothere'), (e) => e.code === 'ResourceNotFound' && e.statusCode === 404);
});

test('vault settings', async () => {
  const config = await backup.backupResourceVaultConfigs.get('vault1', 'rg1');
  assert.equal(config.properties.softDeleteFeatureState, 'Enabled');
  const stored = await backup.backupResourceStorageConfigsNonCRR.get('vault1', 'rg1');
  assert.equal(stored.properties.storageType, 'GeoRedundant');
  const encryption = await backup.backupResourceEncryptionConfigs.get('vault1', 'rg1');
  assert.equal(encryption.properties.encryptionAtRestType, 'MicrosoftManaged');
  assert.deepEqual(await all(backup.resourceGuardProxies.list('vault1', 'rg1')), []);
});
