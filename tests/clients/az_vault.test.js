// az_vault.test.js - az's commands for vaults, their settings and their policies.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Setup } from '../api/lib/flow.js';
import { Server } from '../api/lib/server.js';
import { Az } from './lib/az.js';

let server, az, s;
const policies = '--backup-management-type AzureIaasVM --workload-type VM';

before(async () => {
  server = await (await Server.create()).start();
  az = new Az(server, 'az-vault');
  s = await Setup.create(server, 'web1', { vault: 'protecting' });
  await az.signIn();
});
after(() => az.end());

test('vault create, show, list', async () => {
  const made = await az.run('backup vault create -g rg1 -n vault1 -l eastus --tags team=a');
  assert.equal(made.id, s.vault.replace('protecting', 'vault1'));
  assert.equal(made.properties.provisioningState, 'Succeeded');
  assert.equal(made.sku.name, 'Standard');
  const again = await az.run('backup vault create -g rg1 -n vault1 -l eastus --tags team=b');
  assert.equal(again.tags.team, 'b');
  assert.deepEqual(await az.run('backup vault show -g rg1 -n vault1'), again);
  assert.deepEqual((await az.run('backup vault list -g rg1')).map((v) => v.name).sort(), ['protecting', 'vault1']);
  assert.equal((await az.run('backup vault list')).length, 2);
  assert.match(await az.fails('backup vault show -g rg1 -n nothere'), /ResourceNotFound.*nothere/s);
});

test('backup-properties show and set', async () => {
  await az.run('backup vault backup-properties set -g rg1 -n vault1 --backup-storage-redundancy GeoRedundant --cross-region-restore-flag True');
  const [storage, config] = await az.run('backup vault backup-properties show -g rg1 -n vault1');
  assert.equal(storage.properties.storageModelType, 'GeoRedundant');
  assert.equal(storage.properties.crossRegionRestoreFlag, true);
  assert.equal(config.properties.softDeleteFeatureState, 'Enabled');
  const set = await az.run('backup vault backup-properties set -g rg1 -n vault1 --soft-delete-feature-state Disable');
  assert.equal(set.properties.softDeleteFeatureState, 'Disabled');
  const vault = await az.run('backup vault backup-properties set -g rg1 -n vault1 --classic-alerts Disable --job-failure-alerts Enable');
  assert.equal(vault.properties.monitoringSettings.classicAlertSettings.alertsForCriticalOperations, 'Disabled');
});

test('encryption show; identity assign, show, remove', async () => {
  assert.equal((await az.run('backup vault encryption show -g rg1 -n vault1')).properties.encryptionAtRestType, 'MicrosoftManaged');
  const { identity } = await az.run('backup vault identity assign -g rg1 -n vault1 --system-assigned');
  assert.equal(identity.type, 'SystemAssigned');
  assert.deepEqual(await az.run('backup vault identity show -g rg1 -n vault1'), identity);
  assert.equal((await az.run('backup vault identity remove -g rg1 -n vault1 --system-assigned')).identity.type, 'None');
});

test('policy get-default-for-vm, show, list', async () => {
  const preset = await az.run('backup policy get-default-for-vm -g rg1 -v vault1');
  assert.equal(preset.name, 'DefaultPolicy');
  assert.equal(preset.properties.backupManagementType, 'AzureIaasVM');
  assert.deepEqual(await az.run('backup policy show -g rg1 -v vault1 -n DefaultPolicy'), preset);
  assert.ok((await az.run('backup policy list -g rg1 -v vault1')).length >= 3);
  const standard = await az.run(`backup policy list -g rg1 -v vault1 ${policies} --policy-sub-type Standard`);
  assert.ok(standard.some((p) => p.name === 'DefaultPolicy') && standard.every((p) => p.properties.policyType !== 'V2'));
});

test('policy create from another, set, list-associated-items, delete', async () => {
  const policy = await az.run('backup policy show -g rg1 -v vault1 -n DefaultPolicy');
  policy.properties.retentionPolicy.dailySchedule.retentionDuration.count = 7;
  const file = path.join(server.root, 'policy.json');
  fs.writeFileSync(file, JSON.stringify(policy));
  const made = await az.run(`backup policy create -g rg1 -v vault1 -n mine ${policies} --policy ${file}`);
  assert.equal(made.properties.retentionPolicy.dailySchedule.retentionDuration.count, 7);
  made.properties.retentionPolicy.dailySchedule.retentionDuration.count = 9;
  fs.writeFileSync(file, JSON.stringify(made));
  await az.run(`backup policy set -g rg1 -v vault1 --policy ${file}`);
  assert.equal((await az.run('backup policy show -g rg1 -v vault1 -n mine')).properties.retentionPolicy.dailySchedule.retentionDuration.count, 9);
  assert.deepEqual(await az.run('backup policy list-associated-items -g rg1 -v vault1 -n mine --backup-management-type AzureIaasVM'), []);
  await az.run('backup policy delete -g rg1 -v vault1 -n mine');
  assert.match(await az.fails('backup policy show -g rg1 -v vault1 -n mine'), /Not Found/);	// Azure's 404 for a policy says no more
});

test('vault delete; with an item only by --force', async () => {
  await az.run('backup vault delete -y -g rg1 -n vault1');
  await s.protect();
  assert.match(await az.fails('backup vault delete -y -g rg1 -n protecting'), /existing resources within the vault/);
  await az.run('backup vault backup-properties set -g rg1 -n protecting --soft-delete-feature-state Disable');
  await az.run('backup vault delete -y --force -g rg1 -n protecting');
  assert.deepEqual(await az.run('backup vault list -g rg1'), []);
});
