// origin.test.js - "Restore Azure VMs using REST API", call by call, with its api-versions:
// every request, status, header and body that the document shows, and the bytes behind them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { contentHash, MiB } from './lib/images.js';
import { COMPUTE, CRR, ok, RESOURCES, Setup, STORAGE, V } from './lib/flow.js';
import { Server, run } from './lib/server.js';

let server, s, point;
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
});
after(async () => {
  const how = await server.destroy();
  assert.deepEqual(how, { code: 0, signal: null }, 'SIGTERM ends the server cleanly');
});

function commonHeaders(r) {
  assert.match(r.headers['x-ms-request-id'], guid);
  assert.equal(r.headers['x-ms-correlation-request-id'], r.headers['x-ms-request-id']);
  assert.match(r.headers['x-ms-routing-request-id'], /^[A-Z0-9]+:\d{8}T\d{6}Z:[0-9a-f-]{36}$/);
  assert.equal(r.headers['cache-control'], 'no-cache');
  assert.equal(r.headers.pragma, 'no-cache');
  assert.equal(r.headers['strict-transport-security'], 'max-age=31536000; includeSubDomains');
  assert.equal(r.headers['x-content-type-options'], 'nosniff');
}

function accepted(r, item = true) {
  assert.equal(r.status, 202, r.text);
  assert.equal(r.raw.length, 0);
  assert.equal(r.headers['content-type'], undefined);
  assert.equal(r.headers['retry-after'], '1');
  commonHeaders(r);
  for (const [name, word] of [['azure-asyncoperation', 'operationsStatus'], ['location', 'operationResults']]) {
    const url = new URL(r.headers[name]);
    assert.equal(url.host, new URL(server.url).host);
    assert.equal(url.searchParams.get('api-version'), V);
    if (item) assert.ok(url.pathname.startsWith(`${s.item}/${word}/`), `${name}: ${url.pathname}`);
  }
}

test('the vault is there, with its policies', async () => {
  const r = await ok(server, 'GET', s.vault, { version: '2016-06-01' });
  commonHeaders(r);
  assert.equal(r.json.id, s.vault);
  assert.equal(r.json.name, 'vault1');
  assert.equal(r.json.type, 'Microsoft.RecoveryServices/vaults');
  assert.equal(r.json.location, 'eastus');
  assert.equal(r.json.properties.provisioningState, 'Succeeded');
  assert.equal(r.json.properties.publicNetworkAccess, 'Enabled');
  const policies = (await ok(server, 'GET', `${s.vault}/backupPolicies`, { version: V })).json.value;
  assert.ok(policies.some((p) => p.name === 'DefaultPolicy'));
});

test('discovery: refresh, then the VM is protectable', async () => {
  const r = await request(server, 'POST', `${s.vault}/backupFabrics/Azure/refreshContainers`, { version: '2016-12-01' });
  assert.equal(r.status, 202);
  let done;
  do done = await ok(server, 'GET', r.headers.location); while (done.status === 202);
  assert.equal(done.status, 204);
  const items = (await ok(server, 'GET', `${s.vault}/backupProtectableItems?$filter=backupManagementType%20eq%20%27AzureIaasVM%27`, { version: '2016-12-01' })).json.value;
  assert.equal(items.length, 1);
  assert.equal(items[0].properties.virtualMachineId, s.vmId);
  assert.equal(items[0].properties.protectionState, 'NotProtected');
  assert.equal(items[0].properties.protectableItemType, 'Microsoft.Compute/virtualMachines');
});

test('protect, back up now', async () => {
  const r = await ok(server, 'PUT', s.item, { version: V, body: { properties: { protectedItemType: 'Microsoft.Compute/virtualMachines',
    sourceResourceId: s.vmId, policyId: `${s.vault}/backupPolicies/DefaultPolicy` } } });
  accepted(r);
  const item = (await ok(server, 'GET', s.item, { version: V })).json;
  assert.equal(item.properties.protectionState, 'IRPending');
  assert.equal(item.properties.lastBackupTime, '2001-01-01T00:00:00Z');
  await s.finished(r);

  const t = await request(server, 'POST', `${s.item}/backup`, { version: V,
    body: { properties: { objectType: 'IaasVMBackupRequest', recoveryPointExpiryTimeInUTC: '2099-12-01T00:00:00.000Z' } },
    headers: { 'x-ms-client-request-id': 'a0b1c2d3-0000-4000-8000-000000000001' } });
  accepted(t);
  assert.equal(t.headers['x-ms-client-request-id'], 'a0b1c2d3-0000-4000-8000-000000000001');
  const op = await s.finished(t);
  assert.equal(op.id, op.name);
  assert.equal(op.properties.objectType, 'OperationStatusJobExtendedInfo');
  const job = await s.jobEnd(op.properties.jobId);
  assert.equal(job.properties.jobType, 'AzureIaaSVMJob');
  assert.equal(job.properties.operation, 'Backup');
  assert.equal(job.properties.activityId, 'a0b1c2d3-0000-4000-8000-000000000001');
  assert.deepEqual(job.properties.extendedInfo.tasksList.map((x) => [x.taskId, x.status]),
    [['Take Snapshot', 'Completed'], ['Transfer data to vault', 'Completed']]);
  assert.match(job.properties.extendedInfo.propertyBag['Backup Size'], /^\d+ MB$/);
  assert.match(job.properties.duration, /^PT/);
  const after = (await ok(server, 'GET', s.item, { version: V })).json.properties;
  assert.equal(after.protectionState, 'Protected');
  assert.equal(after.lastBackupStatus, 'Completed');
  assert.ok(after.lastRecoveryPoint);
});

test('list recovery points, choose one', async () => {
  const points = await s.points();
  assert.equal(points.length, 1);
  point = points[0].name;
  assert.match(point, /^\d{14,19}$/);
  assert.equal(points[0].id, `${s.item}/recoveryPoints/${point}`);
  assert.equal(points[0].type, 'Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/recoveryPoints');
  const p = (await ok(server, 'GET', `${s.item}/recoveryPoints/${point}`, { version: V })).json.properties;
  assert.equal(p.objectType, 'IaasVMRecoveryPoint');
  assert.equal(p.isManagedVirtualMachine, true);
  assert.equal(p.isSourceVMEncrypted, false);
  assert.equal(p.osType, 'Linux');
  assert.equal(p.virtualMachineSize, 'Standard_DS1_v2');
  assert.ok(p.recoveryPointTierDetails.some((t) => t.type === 'HardenedRP' && t.status === 'Valid'));
});

test('recovery points by date', async () => {
  const list = async (from, to) => (await ok(server, 'GET',
    `${s.item}/recoveryPoints?$filter=startDate%20eq%20'${from}'%20and%20endDate%20eq%20'${to}'`.replaceAll(' ', '%20'), { version: V })).json.value;
  assert.equal((await list('2001-01-01 12:00:00 AM', '2099-01-01 12:00:00 AM')).length, 1);
  assert.equal((await list('2001-01-01 12:00:00 AM', '2002-01-01 11:59:59 PM')).length, 0);
});

test('no point is recommended for an archive tier where there is none, nor moved', async () => {
  const ask = (item) => request(server, 'POST', `${item}/recoveryPointsRecommendedForMove`, { version: '2022-09-01-preview', body: { excludedRPList: [] } });
  const r = await ask(s.item);
  assert.equal(r.status, 200, r.text);
  assert.deepEqual(r.json.value, []);
  assert.equal((await ask(s.item.replaceAll(';vm1', ';vm9'))).status, 404);
  const move = await request(server, 'POST', `${s.item}/recoveryPoints/${point}/move`, { version: '2023-01-01', body: { sourceTierType: 'HardenedRP', targetTierType: 'ArchivedRP' } });
  assert.equal(move.status, 400);
  assert.equal(move.json.error.code, 'UserErrorRecoveryPointIsNotEligibleForArchiveMove');
  assert.match(move.json.error.message, /Region 'eastus' has no archive tier/);
});

test('restore disks into a resource group: both tracking URLs, the job, the bytes', async () => {
  const target = `${s.sub}/resourceGroups/restored`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  const r = await s.restore(point, 'RestoreDisks', { targetResourceGroupId: target });
  accepted(r);
  const op = await s.finished(r);
  assert.equal(op.endTime, op.startTime);
  const job = await s.jobEnd(op.properties.jobId);

  let result;
  do result = await ok(server, 'GET', r.headers.location); while (result.status === 202);
  assert.equal(result.status, 204);
  const same = (await ok(server, 'GET', `${s.vault}/backupOperations/${op.name}`, { version: V })).json;
  assert.deepEqual(same, op);

  assert.equal(job.properties.operation, 'Restore');
  const bag = job.properties.extendedInfo.propertyBag;
  assert.equal(bag['Job Type'], 'Recover disks');
  assert.equal(bag['Target VM Name'], 'vmName');
  assert.equal(bag['Target Storage Account Name'], 'staging1');
  assert.equal(bag['Target resource group'], 'restored');
  assert.match(bag['Recovery point time '], /^\d+\/\d+\/\d{4} \d+:\d\d:\d\d [AP]M$/);
  assert.equal(job.properties.extendedInfo.internalPropertyBag.restoreLocationType, 'RestoreDisks');
  assert.equal(job.properties.extendedInfo.progressPercentage, 100);

  const disks = await s.disks('restored');
  assert.equal(disks.length, 3);
  const by = (part) => disks.find((d) => d.name.includes(part));
  assert.match(by('-osdisk-').name, /^vm1-osdisk-\d{8}-\d{6}$/);
  assert.match(by('-datadisk-000-').name, /^vm1-datadisk-000-\d{8}-\d{6}$/);
  for (const d of disks) {
    assert.match(d.tags.RSVaultBackup, guid);
    assert.ok(fs.existsSync(d.tags['holdfast:path']));
    assert.equal(d.internal, undefined);
  }
  assert.equal(contentHash(by('-osdisk-').tags['holdfast:path']), contentHash(s.os, 'qcow2'));
  assert.equal(contentHash(by('-datadisk-000-').tags['holdfast:path']), contentHash(s.data[0]));
  assert.equal(contentHash(by('-datadisk-001-').tags['holdfast:path']), contentHash(s.data[1]));
  assert.equal(fs.statSync(by('-datadisk-001-').tags['holdfast:path']).size, fs.statSync(s.data[1]).size);

  // the configuration, where the document looks for it
  const container = bag['Config Blob Container Name'];
  assert.match(container, /^vm1-[0-9a-f]{32}$/);
  assert.equal(bag['Config Blob Uri'], `${server.url}/staging1/${container}/${bag['Config Blob Name']}`);
  const blob = await ok(server, 'GET', bag['Config Blob Uri']);
  assert.equal(blob.raw.length % 512, 0);
  assert.equal(blob.headers['x-ms-blob-type'], 'PageBlob');
  assert.equal(blob.headers['x-ms-meta-configblobsize'], String(blob.raw.length));
  const config = JSON.parse(blob.raw.toString('utf16le').replace(/\0+$/, ''));
  assert.equal(config['properties.hardwareProfile'].vmSize, 'Standard_DS1_v2');
  assert.equal(config['properties.storageProfile'].osDisk.osType, 'Linux');
  assert.equal(config['properties.storageProfile'].osDisk.name, by('-osdisk-').name);
  assert.deepEqual(config['properties.storageProfile'].dataDisks.map((d) => d.lun), [0, 1]);
  const template = JSON.parse((await ok(server, 'GET', bag['Template Blob Uri'])).text);
  assert.equal(template.contentVersion, '1.0.0.0');
  assert.ok(template.parameters.VirtualMachineName);
  assert.equal(template.parameters.VirtualMachineName.defaultValue, undefined);
});

test('restore disks without a resource group: fixed VHD blobs', async () => {
  const job = await s.restored(point, 'RestoreDisks');
  const bag = job.properties.extendedInfo.propertyBag;
  assert.equal(bag['Target resource group'], undefined);
  const container = bag['Config Blob Container Name'];
  const config = JSON.parse((await ok(server, 'GET', bag['Config Blob Uri'])).raw.toString('utf16le').replace(/\0+$/, ''));
  const uri = config['properties.storageProfile'].dataDisks[1].vhd.uri;
  assert.ok(uri.startsWith(`${server.url}/staging1/${container}/`), uri);
  const whole = await ok(server, 'GET', uri);
  assert.equal(whole.headers['x-ms-blob-type'], 'PageBlob');
  const virtual = Math.ceil(fs.statSync(s.data[1]).size / MiB) * MiB;
  assert.equal(whole.raw.length, virtual + 512);
  assert.equal(whole.raw.subarray(-512, -504).toString(), 'conectix');
  const footer = await request(server, 'GET', uri, { headers: { range: `bytes=${virtual}-${virtual + 511}` } });
  assert.equal(footer.status, 206);
  assert.equal(footer.headers['content-range'], `bytes ${virtual}-${virtual + 511}/${virtual + 512}`);
  assert.deepEqual(footer.raw, whole.raw.subarray(-512));
  const file = `${server.root}/copy.vhd`;
  fs.writeFileSync(file, whole.raw);
  const r = run('qemu-img', ['compare', '-f', 'vpc', '-F', 'raw', file, s.data[1]], { mayFail: true });
  assert.equal(r.status, 0, r.stdout + r.stderr);
});

test('only the chosen LUNs come back', async () => {
  for (const [luns, data] of [[[], []], [[1], [s.data[1]]], [[0, 1], s.data]]) {
    const rg = `luns${luns.length}`;
    const target = `${s.sub}/resourceGroups/${rg}`;
    await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
    const job = await s.restored(point, 'RestoreDisks', { targetResourceGroupId: target, restoreDiskLunList: luns });
    const disks = await s.disks(rg);
    const hashes = disks.map((d) => contentHash(d.tags['holdfast:path']));
    assert.deepEqual(hashes.sort(), [contentHash(s.os, 'qcow2'), ...data.map((f) => contentHash(f))].sort());
    assert.equal(job.properties.extendedInfo.propertyBag['Restored disk(s)'].split('; ').length, disks.length);
  }
});

test('replace the disks: a new recovery point first, old disks kept', async () => {
  fs.writeFileSync(s.data[0], Buffer.alloc(4096, 0x5a), { flag: 'r+' });	// damage to undo
  const damaged = contentHash(s.data[0]);
  const job = await s.restored(point, 'OriginalLocation');
  assert.equal(job.properties.extendedInfo.propertyBag['Job Type'], 'Replace disks');
  assert.equal(job.properties.extendedInfo.propertyBag['Target VM Name'], 'vm1');
  assert.deepEqual(job.properties.extendedInfo.tasksList.map((t) => t.taskId), ['Transfer data from vault', 'Update the virtual machine']);
  const vm = (await ok(server, 'GET', s.vmId, { version: COMPUTE })).json;
  assert.equal(vm.properties.storageProfile.dataDisks.length, 2);
  const id = vm.properties.storageProfile.dataDisks[0].managedDisk.id;
  const disk = (await ok(server, 'GET', id, { version: COMPUTE })).json;
  assert.equal(disk.managedBy, s.vmId);
  assert.notEqual(contentHash(disk.tags['holdfast:path']), damaged);
  const old = (await ok(server, 'GET', s.diskId('vm1-data0'), { version: COMPUTE })).json;
  assert.equal(old.properties.diskState, 'Unattached');
  assert.equal(old.managedBy, undefined);
  assert.equal(contentHash(s.data[0]), damaged, 'the old image is kept as it was');
  const points = await s.points();
  assert.equal(points.length, 2, 'a pre-restore recovery point was taken');
  assert.equal(points[1].name, point, 'newest first');
  // and the pre-restore point holds the damaged state
  const target = `${s.sub}/resourceGroups/undo`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  await s.restored(points[0].name, 'RestoreDisks', { targetResourceGroupId: target });
  const undo = (await s.disks('undo')).find((d) => d.name.includes('-datadisk-000-'));
  assert.equal(contentHash(undo.tags['holdfast:path']), damaged);
});

test('a new virtual machine from the point', async () => {
  const vnet = `${s.group}/providers/Microsoft.Network/virtualNetworks/net1`;
  await ok(server, 'PUT', vnet, { version: '2022-07-01', body: { location: 'eastus', properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [{ name: 'default', properties: { addressPrefix: '10.0.0.0/24' } }] } } });
  const target = `${s.sub}/resourceGroups/alr`;
  await ok(server, 'PUT', target, { version: RESOURCES, body: { location: 'eastus' } });
  const newVm = `${target}/providers/Microsoft.Compute/virtualMachines/vm2`;
  const job = await s.restored(point, 'AlternateLocation', { targetResourceGroupId: target, targetVirtualMachineId: newVm,
    virtualNetworkId: vnet, subnetId: `${vnet}/subnets/default` });
  assert.deepEqual(job.properties.extendedInfo.tasksList.map((t) => t.taskId), ['Transfer data from vault', 'Create the restored virtual machine']);
  assert.equal(job.properties.extendedInfo.propertyBag['Job Type'], 'Recover VM to an alternate location');
  assert.equal(job.properties.extendedInfo.propertyBag['Target VNet Name'], 'Group rg1 net1');
  const vm = (await ok(server, 'GET', newVm, { version: COMPUTE })).json;
  assert.equal(vm.name, 'vm2');
  assert.equal(vm.properties.storageProfile.dataDisks.length, 2);
  const nic = (await ok(server, 'GET', vm.properties.networkProfile.networkInterfaces[0].id, { version: '2022-07-01' })).json;
  assert.match(nic.name, /^vm2-nic-[0-9a-f]{32}$/);
  assert.equal(nic.properties.ipConfigurations[0].properties.subnet.id, `${vnet}/subnets/default`);
  const os = (await ok(server, 'GET', vm.properties.storageProfile.osDisk.managedDisk.id, { version: COMPUTE })).json;
  assert.equal(contentHash(os.tags['holdfast:path']), contentHash(s.os, 'qcow2'));
  // without its VM the interface is free, also for the eyes of a later VM of that name
  await ok(server, 'DELETE', newVm, { version: COMPUTE });
  assert.equal((await ok(server, 'GET', nic.id, { version: '2022-07-01' })).json.properties.virtualMachine, undefined);
  await ok(server, 'PUT', newVm, { version: COMPUTE, body: { location: 'eastus', properties: { storageProfile: { osDisk: { managedDisk: { id: os.id } } } } } });
  await ok(server, 'DELETE', nic.id, { version: '2022-07-01' });
});

test('jobs: newest first, filtered, exported', async () => {
  const jobs = (await ok(server, 'GET', `${s.vault}/backupJobs`, { version: V })).json.value;
  const starts = jobs.map((j) => j.properties.startTime);
  assert.deepEqual(starts, [...starts].sort().reverse());
  assert.ok(jobs.every((j) => j.properties.extendedInfo === undefined));
  const restores = (await ok(server, 'GET', `${s.vault}/backupJobs?$filter=operation%20eq%20'Restore'%20and%20status%20eq%20'Completed'`, { version: V })).json.value;
  assert.equal(restores.length, jobs.filter((j) => j.properties.operation === 'Restore').length);
  const r = await request(server, 'POST', `${s.vault}/backupJobsExport`, { version: V });
  assert.equal(r.status, 202);
  let done;
  do done = await ok(server, 'GET', r.headers.location); while (done.status === 202);
  assert.equal(done.status, 200);
  assert.ok(JSON.stringify(done.json).includes('blobUrl'));
});

test('cross-region calls answer as for a vault without cross-region restore', async () => {
  for (const [method, path] of [['GET', `${s.item}/recoveryPoints/`], ['GET', `${s.vault}/backupProtectedItems/`],
    ['POST', `${s.item}/recoveryPoints/${point}/accessToken`]]) {
    const r = await request(server, method, path, { version: CRR, ...(method === 'POST' ? { body: { properties: {} } } : {}) });
    assert.equal(r.status, 400, `${path}: ${r.text}`);
    assert.equal(r.json.error.code, 'BMSUserErrorCrossRegionRestoreNotEnabledInThisVault');
    assert.equal(r.json.error.message, 'Cross Region Restore is not enabled in this vault. Please enable Cross Region Restore in this vault.');
  }
});

test('blobs are readable by SharedKey too', async () => {
  const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const keys = (await ok(server, 'POST', `${s.accountId}/listKeys`, { version: STORAGE })).json.keys;
  assert.equal(keys.length, 2);
  const withKey = (key) => new BlobServiceClient(`${server.url}/staging1`, new StorageSharedKeyCredential('staging1', key), {
    tlsOptions: { ca: server.ca }, retryOptions: { maxTries: 1 } });
  const names = [];
  for await (const c of withKey(keys[0].value).listContainers()) names.push(c.name);
  assert.ok(names.length > 0);
  const container = withKey(keys[1].value).getContainerClient(names.find((n) => n.startsWith('vm1-')));
  const blobs = [];
  for await (const b of container.listBlobsFlat()) blobs.push(b.name);
  const config = blobs.find((n) => n.startsWith('config-'));
  const got = await container.getBlobClient(config).downloadToBuffer();
  assert.equal(got.length % 512, 0);
  await assert.rejects(withKey(Buffer.alloc(64, 1).toString('base64')).getProperties?.() ?? withKey(Buffer.alloc(64, 1).toString('base64')).getContainerClient(names[0]).getProperties(),
    (e) => e.statusCode === 403);
});
