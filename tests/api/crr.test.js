// crr.test.js - cross-region restore, both regions on one server: a vault is copied to its paired
// region, and its virtual machine comes back there.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NOT_ENABLED, SecondRegion, VERSIONS } from './lib/crr.js';
import { COMPUTE, CRR, ok, RESOURCES, Setup, V, VAULTS } from './lib/flow.js';
import { request } from './lib/http.js';
import { contentHash } from './lib/images.js';
import { Principal } from './lib/principal.js';
import { binary, run, Server, sleep } from './lib/server.js';

let server, s, west, point;

before(async () => {
  // so slow that a point is seen on its way
  server = await Server.create({ conf: (text) => text.replace(/^#?\s*replication_limit\s*=.*$/m, 'replication_limit = 1') });
  await server.start();
  s = await Setup.create(server, 'vm-1');
  await s.protect();
  west = await SecondRegion.create(s);
});
after(() => server.destroy());

const refused = async (r, code, pattern, status = 400) => {
  r = await r;
  assert.equal(r.status, status, r.text);
  assert.equal(r.json.error.code, code, r.text);
  assert.match(r.json.error.message, pattern);
};

test('without cross-region restore every call says so', async () => {
  for (const version of VERSIONS) {
    for (const path of [`${s.vault}/backupProtectedItems/`, s.item, `${s.item}/recoveryPoints/`, `${s.item}/recoveryPoints/1`, `${s.vault}/backupUsageSummaries`])
      await refused(west.ask('GET', path, undefined, version), NOT_ENABLED, /^Cross Region Restore is not enabled in this vault\. Please enable/);
    await refused(west.askToken('1', undefined, { version }), NOT_ENABLED, /not enabled/);
    for (const call of ['backupCrrJob', 'backupCrrJobs'])
      await refused(west.ask('POST', `${west.location}/${call}`, { resourceId: s.vault, jobName: s.name }, version), NOT_ENABLED, /not enabled/);
  }
  const config = await west.ask('GET', `${s.vault}/backupstorageconfig/vaultstorageconfig`);
  assert.equal(config.json.properties.crossRegionRestoreFlag, false);
});

test('it is enabled by the storage configuration or by the vault; the copy comes by itself', async () => {
  const put = await ok(server, 'PUT', `${s.vault}/backupstorageconfig/vaultstorageconfig`, { version: CRR, body: { properties: { crossRegionRestoreFlag: true } } });
  assert.equal(put.json.properties.crossRegionRestoreFlag, true);
  const other = `${s.group}/providers/Microsoft.RecoveryServices/vaults/vault2`;
  await ok(server, 'PUT', other, { version: VAULTS, body: { location: 'eastus', sku: { name: 'Standard' }, properties: {} } });
  await ok(server, 'PATCH', other, { version: '2024-04-01', body: { properties: { redundancySettings: { standardTierStorageRedundancy: 'GeoRedundant', crossRegionRestore: 'Enabled' } } } });
  assert.deepEqual((await west.call('GET', `${other}/backupProtectedItems/`, CRR)).json.value, []);
  await s.backup();
  [{ name: point }] = await s.points();
});

test('a point that has not arrived is told from one that does not exist', async () => {
  await refused(west.askToken(point, await west.aad()), 'UserErrorRecoveryPointNotReplicated', new RegExp(`'${point}' has not reached the paired region 'westus' yet`));
  await west.arrived(point);
  await refused(west.askToken('100000000000000', await west.aad()), 'UserErrorRpNotFound', /100000000000000/, 404);
  await refused(west.ask('GET', `${s.item}/recoveryPoints/100000000000000`), 'UserErrorRpNotFound', /100000000000000/, 404);
});

test('the second region shows items and points under the same ids', async () => {
  const own = (await ok(server, 'GET', `${s.item}/recoveryPoints/${point}`, { version: V })).json;
  for (const version of VERSIONS) {
    const items = (await west.call('GET', `${s.vault}/backupProtectedItems/?$filter=backupManagementType%20eq%20'AzureIaasVM'`, version)).json.value;
    assert.deepEqual(items.map((i) => i.id), [s.item]);
    assert.equal(items[0].properties.virtualMachineId, s.vmId);
    const [shown] = (await west.call('GET', `${s.item}/recoveryPoints/`, version)).json.value;
    assert.equal(shown.id, own.id);
    assert.equal(shown.properties.recoveryPointTime, own.properties.recoveryPointTime);
    assert.deepEqual(shown.properties.recoveryPointTierDetails, [{ type: 'HardenedRP', status: 'Valid' }]);
    assert.equal(shown.properties.crossRegionRestoreState, 'Supported');
    assert.ok(!('recoveryPointAdditionalInfo' in shown.properties));
    const usage = (await west.call('GET', `${s.vault}/backupUsageSummaries?$filter=type%20eq%20'BackupProtectedItemCountSummary'`, version)).json.value;
    assert.equal(usage[0].currentValue, 1);
  }
  const item = (await west.call('GET', `${s.item}?$filter=expand%20eq%20'extendedinfo'`, west.version)).json;
  assert.equal(item.properties.extendedInfo.recoveryPointCount, 1);
  assert.equal(item.properties.extendedInfo.oldestRecoveryPoint, own.properties.recoveryPointTime);
  const config = (await west.call('GET', `${s.vault}/backupstorageconfig/vaultstorageconfig`, west.version)).json;
  assert.equal(config.properties.crossRegionRestoreFlag, true);
});

test('filters of the second region: keys as in the first, dates of points', async () => {
  const count = async (path, filter) => (await west.call('GET', `${path}?$filter=${encodeURIComponent(filter)}`, west.version)).json.value.length;
  assert.equal(await count(`${s.vault}/backupProtectedItems`, "friendlyName eq 'vm-1' and itemType eq 'VM'"), 1);
  assert.equal(await count(`${s.vault}/backupProtectedItems`, "friendlyName eq 'vm-2'"), 0);
  assert.equal(await count(`${s.vault}/backupProtectedItems`, "backupManagementType eq 'AzureWorkload'"), 0);
  assert.equal(await count(`${s.item}/recoveryPoints`, "startDate eq '2020-01-01 12:00:00 AM' and endDate eq '2099-01-01 12:00:00 AM'"), 1);
  assert.equal(await count(`${s.item}/recoveryPoints`, "startDate eq '2099-01-01 12:00:00 AM'"), 0);
  assert.equal(await count(`${s.item}/recoveryPoints`, "endDate eq '2020-01-01 12:00:00 AM'"), 0);
  await refused(west.ask('GET', `${s.vault}/backupProtectedItems?$filter=colour%20eq%20'red'`), 'BMSUserErrorInvalidInput', /colour/);
});

test('an access token says what it is for, and is bound to who asked', async () => {
  const t = await west.token(point);
  const claims = JSON.parse(Buffer.from(t.accessTokenString.split('.')[1], 'base64url').toString());
  assert.equal(t.objectType, 'CrrAccessToken');
  assert.equal(t.subscriptionId, server.subscription);
  assert.equal(t.resourceGroupName, s.rg);
  assert.equal(t.resourceName, s.vaultName);
  assert.match(t.resourceId, /^\d+$/);
  assert.ok(Number.isSafeInteger(t.protectionContainerId) && t.protectionContainerId > 0);
  assert.equal(t.recoveryPointId, point);
  assert.match(t.recoveryPointTime, /^\d+\/\d+\/\d{4} \d+:\d\d:\d\d [AP]M$/);
  assert.equal(t.containerName, `iaasvmcontainerv2;${s.rg};${s.name}`);
  assert.equal(t.datasourceContainerName, t.containerName);
  assert.deepEqual([t.containerType, t.backupManagementType, t.datasourceType, t.datasourceName], ['IaasVMContainer', 'AzureIaasVM', 'VM', s.name]);
  assert.deepEqual(t.rpTierInformation, { InstantRP: 'Valid', HardenedRP: 'Valid' });
  assert.deepEqual([t.rpOriginalSAOption, t.rpIsManagedVirtualMachine, t.rpVMSizeDescription, t.bMSActiveRegion], [false, true, 'Standard_DS1_v2', 'eastus']);
  for (const key of ['coordinatorServiceStampId', 'coordinatorServiceStampUri', 'protectionServiceStampId', 'protectionServiceStampUri', 'tokenExtendedInformation'])
    assert.ok(t[key], key);
  assert.equal(claims.PitID, point);
  assert.equal(claims.DatasourceID, t.datasourceId);
  assert.equal(claims.BackupVaultID, t.resourceId);
  assert.equal(claims.ContainerID, String(t.protectionContainerId));
  assert.equal(claims.exp - claims.nbf, 86400);
  assert.equal(claims.region, 'westus');
  assert.equal(claims.oid, JSON.parse(Buffer.from(server.token().split('.')[1], 'base64url').toString()).oid);
  const old = (await west.askToken(point, await west.aad(), { version: CRR })).json;
  assert.equal(old.name, point);
  assert.equal(old.id, `${s.item}/recoveryPoints/${point}`);
});

test('a token is given for the principal that the second region names only', async () => {
  const { properties: aad } = await west.aad();
  await refused(west.askToken(point, undefined), 'BMSUserErrorInvalidInput', /properties: required, but missing/);
  for (const key of ['tenantId', 'audience', 'servicePrincipalObjectId']) {
    await refused(west.askToken(point, { properties: { ...aad, [key]: undefined } }), 'BMSUserErrorInvalidInput', new RegExp(`properties\\.${key}: required, but missing`));
    await refused(west.askToken(point, { properties: { ...aad, [key]: 'https://RecoveryServices/IaasCoord/aadmgmt/eastus' } }), 'BMSUserErrorInvalidInput', new RegExp(`properties\\.${key}: '.*eastus' is not '`));
  }
  await refused(west.askToken(point, { properties: { ...aad, audience: 7 } }), 'BMSUserErrorInvalidInput', /properties\.audience: expected a string/);
  await refused(west.askToken(point, { properties: aad }, { version: V }), 'NoRegisteredProviderFound', /2018-12-20, 2021-11-15, 2023-01-15/);
});

const disksIn = async (group) => (await ok(server, 'GET', `${group}/providers/Microsoft.Compute/disks`, { version: COMPUTE })).json.value;
const source = (disk) => [s.os, ...s.data][disk.name.includes('-osdisk-') ? 0 : 1 + Number(disk.name.match(/-datadisk-(\d+)-/)[1])];

test('RestoreDisks brings every byte back in the second region', async () => {
  const r = await west.restore(await west.token(point), point, 'RestoreDisks', { targetResourceGroupId: west.group });
  assert.equal(r.status, 202, r.text);
  const status = new URL(r.headers['azure-asyncoperation']);
  assert.match(status.pathname, /\/locations\/westus\/backupCrrOperationsStatus\/[^/]+$/);
  const id = decodeURIComponent(status.pathname.split('/').pop());
  assert.match(Buffer.from(id, 'base64').toString(), /^\d+;[0-9a-f-]{36}$/);
  const op = await west.finished(r);
  assert.equal(op.id, `${west.location}/backupCrrOperationsStatus/${id}`);
  assert.equal(op.name, id);
  const job = await west.jobEnd(op.properties.jobId);
  assert.equal(job.id, `${west.location}/backupJobs/${op.properties.jobId}`);
  assert.equal(job.type, 'Microsoft.RecoveryServices/vaults/backupJobs');
  assert.equal(job.properties.operation, 'CrossRegionRestore');
  assert.deepEqual(job.properties.actionsInfo, ['Cancellable']);
  const bag = job.properties.extendedInfo.propertyBag;
  assert.equal(bag['Subscription Id of the vault'], server.subscription);
  assert.equal(bag['Resource Group Name of the vault'], s.rg);
  assert.equal(bag['Vault name'], s.vaultName);
  assert.equal(bag['Target Storage Account Name'], 'weststaging');
  assert.match(bag['Config Blob Uri'], /\/weststaging\/vm1-[0-9a-f]{32}\/config-/);
  assert.deepEqual(job.properties.extendedInfo.internalPropertyBag, { AdHoc: 'AdHoc', restoreLocationType: 'RestoreDisks' });
  const disks = await disksIn(west.group);
  assert.equal(disks.length, 3);
  for (const d of disks) {
    assert.equal(d.location, 'westus');
    assert.equal(contentHash(d.tags['holdfast:path']), contentHash(source(d), source(d) === s.os ? 'qcow2' : 'raw'), d.name);
  }
  // as some clients send it, and once more after the end
  for (const kind of ['backupCrrOperationsStatus', 'backupCrrOperationResults'])
    assert.equal((await west.ask('GET', `${west.location}/${kind}/${encodeURIComponent(id)}`)).status, 200);
  await refused(west.ask('GET', `${west.location}/backupCrrOperationsStatus/${Buffer.from('1;x').toString('base64')}`), 'ResourceNotFound', /was not found in region 'westus'/, 404);
  await refused(west.ask('GET', `${s.sub}/providers/Microsoft.RecoveryServices/locations/eastus/backupCrrOperationsStatus/${id}`), 'ResourceNotFound', /'eastus'/, 404);
});

test('its job is the second region\'s, not one of the vault', async () => {
  const [job] = await west.jobs();
  for (const version of [V, west.version])
    assert.ok(!(await ok(server, 'GET', `${s.vault}/backupJobs`, { version })).json.value.some((j) => j.name === job.name));
  await refused(request(server, 'GET', `${s.vault}/backupJobs/${job.name}`, { version: V }), 'ResourceNotFound', new RegExp(job.name), 404);
  assert.equal((await west.jobs("?$filter=operation%20eq%20'CrossRegionRestore'%20and%20status%20eq%20'Completed'")).length, 1);
  assert.equal((await west.jobs("?$filter=operation%20eq%20'Backup'")).length, 0);
  assert.equal((await west.jobs(`?$filter=jobId%20eq%20'${job.name}'`)).length, 1);
  assert.equal((await west.jobs("?$filter=startTime%20eq%20'2099-01-01%2012:00:00%20AM'")).length, 0);
  await refused(west.ask('POST', `${west.location}/backupCrrJob`, { resourceId: s.vault, jobName: s.name }), 'ResourceNotFound', /vm-1.*westus/, 404);
  await refused(west.ask('POST', `${west.location}/backupCrrJob`, { resourceId: s.vault }), 'BMSUserErrorInvalidInput', /jobName/);
  await refused(west.ask('POST', `${west.location}/backupCrrJob`, { resourceId: s.vmId, jobName: job.name }), 'BMSUserErrorInvalidInput', /resourceId: .*virtualMachines/);
  const [backup] = (await ok(server, 'GET', `${s.vault}/backupJobs?$filter=operation%20eq%20'Backup'`, { version: V })).json.value;
  await refused(west.ask('POST', `${west.location}/backupCrrJob`, { resourceId: s.vault, jobName: backup.name }), 'ResourceNotFound', /westus/, 404);
});

test('a list of LUNs restores those disks only', async () => {
  const group = `${s.sub}/resourceGroups/westlun`;
  await west.call('PUT', group, RESOURCES, { location: 'westus' });
  const job = await west.restored(point, 'RestoreDisks', { targetResourceGroupId: group, restoreDiskLunList: [1] });
  const watched = run(binary, ['job', 'watch', job.name, '--dir', server.dir, '--vault', s.vault, '--region', 'westus']);
  assert.match(watched.stdout, /^CrossRegionRestore vm-1 100% Completed$/m);
  const absent = run(binary, ['job', 'watch', s.name, '--dir', server.dir, '--vault', s.vault, '--region', 'westus'], { mayFail: true });
  assert.equal(absent.status, 1, absent.stderr);
  assert.equal(job.properties.extendedInfo.propertyBag['Restored disk(s)'], 'vm-1-os; vm-1-data1');
  const disks = await disksIn(group);
  assert.equal(disks.length, 2);
  const data = disks.find((d) => d.name.includes('-datadisk-'));
  assert.equal(contentHash(data.tags['holdfast:path']), contentHash(s.data[1]));
});

test('AlternateLocation makes a virtual machine there', async () => {
  const vm = `${west.group}/providers/Microsoft.Compute/virtualMachines/vm-west`;
  const job = await west.restored(point, 'AlternateLocation', { targetVirtualMachineId: vm, targetResourceGroupId: west.group,
    virtualNetworkId: west.vnetId, subnetId: `${west.vnetId}/subnets/default` });
  assert.equal(job.properties.extendedInfo.propertyBag['Target VM Name'], 'vm-west');
  const made = (await ok(server, 'GET', vm, { version: COMPUTE })).json;
  assert.equal(made.location, 'westus');
  const os = (await ok(server, 'GET', made.properties.storageProfile.osDisk.managedDisk.id, { version: COMPUTE })).json;
  assert.equal(contentHash(os.tags['holdfast:path']), contentHash(s.os, 'qcow2'));
});

test('what cannot be restored there is refused, and no job is made', async () => {
  const t = await west.token(point), before = (await west.jobs()).length;
  const disks = (more, details = t) => west.restore(details, point, 'RestoreDisks', { targetResourceGroupId: west.group, ...more });
  await refused(west.restore(t, point, 'OriginalLocation'), 'UserErrorOlrNotSupported', /restoreRequest\.recoveryType: region 'westus' is not/);
  await refused(disks({ storageAccountId: s.accountId }), 'UserErrorTargetStorageAccountRegionMismatch', /restoreRequest\.storageAccountId: .*'eastus'.*'westus'/);
  await refused(disks({ region: 'eastus' }), 'BMSUserErrorInvalidInput', /restoreRequest\.region: 'eastus' is not 'westus', the paired region of vault 'vault1'/);
  await refused(disks({ restoreDiskLunList: [7] }), 'BMSUserErrorInvalidInput', /restoreRequest\.restoreDiskLunList\[0\].*LUN 7/);
  await refused(disks({ targetResourceGroupId: `${s.sub}/resourceGroups/nowhere` }), 'ResourceGroupNotFound', /nowhere.*restoreRequest\.targetResourceGroupId/s);
  await refused(disks({ recoveryPointId: '1' }), 'BMSUserErrorInvalidInput', /restoreRequest\.recoveryPointId: '1' is not '\d+', the recovery point that the access token is for/);
  await refused(disks({ recoveryType: undefined }), 'BMSUserErrorInvalidInput', /restoreRequest\.recoveryType: required/);
  const target = `${west.location}/backupCrossRegionRestore`;
  await refused(west.ask('POST', target, { crossRegionRestoreAccessDetails: t }), 'BMSUserErrorInvalidInput', /restoreRequest: required, but missing/);
  await refused(west.ask('POST', target, { restoreRequest: {} }), 'BMSUserErrorInvalidInput', /crossRegionRestoreAccessDetails: required, but missing/);
  await refused(west.ask('POST', target, { crossRegionRestoreAccessDetails: {}, restoreRequest: {} }), 'BMSUserErrorInvalidInput', /accessTokenString: required, but missing/);
  assert.equal((await west.jobs()).length, before);
});

test('who may restore there still needs rights on what is made', async () => {
  const who = new Principal(server, 'operator', 'Backup Operator');
  const told = await west.askToken(point, await west.aad(), { token: who.token });
  assert.equal(told.status, 200, told.text);
  const restore = () => who.ask('POST', `${west.location}/backupCrossRegionRestore`, { version: west.version,
    body: west.body(told.json.properties, point, 'RestoreDisks', { targetResourceGroupId: west.group }) });
  await refused(restore(), 'LinkedAuthorizationFailed', /storageAccounts\/listKeys\/action' on the linked scope\(s\) '.*weststaging'/, 403);
  const nobody = new Principal(server, 'reader', 'Backup Reader');
  await refused(west.askToken(point, await west.aad(), { token: nobody.token }), 'AuthorizationFailed', /recoveryPoints\/accessToken\/action/, 403);
});

test('a token that was tampered with, or is for something else, opens nothing', async () => {
  const t = await west.token(point), before = (await west.jobs()).length;
  const disks = (details) => west.restore(details, point, 'RestoreDisks', { targetResourceGroupId: west.group });
  const where = /crossRegionRestoreAccessDetails\.accessTokenString: /;
  const withClaims = (change) => t.accessTokenString.split('.').map((p, i) => (i !== 1 ? p :
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(p, 'base64url')), ...change })).toString('base64url'))).join('.');
  for (const text of ['', 'x', withClaims({ PitID: '1' }), withClaims({ exp: 9999999999 }), t.accessTokenString.slice(0, -4) + 'AAAA'])
    await refused(disks({ ...t, accessTokenString: text }), 'BMSUserErrorInvalidInput', where);
  await refused(disks({ ...t, accessTokenString: server.token() }), 'BMSUserErrorInvalidInput', where);
  await refused(request(server, 'GET', s.vault, { version: V, token: t.accessTokenString }), 'InvalidAuthenticationToken', /invalid/, 401);
  for (const [key, value] of Object.entries({ recoveryPointId: '1', resourceId: '1', resourceName: 'vault2', resourceGroupName: 'other', subscriptionId: server.tenant,
    datasourceId: '1', datasourceName: 'vm-2', containerName: 'iaasvmcontainerv2;rg1;vm-2', datasourceContainerName: 'x', protectionContainerId: 1,
    recoveryPointTime: '1/1/2020 1:00:00 AM', rpIsManagedVirtualMachine: false, rpTierInformation: { InstantRP: 'Deleted' }, objectType: 'WorkloadCrrAccessToken' }))
    await refused(disks({ ...t, [key]: value }), 'BMSUserErrorInvalidInput', new RegExp(`crossRegionRestoreAccessDetails\\.${key}: this is not what came with the access token`));
  const east = `${s.sub}/providers/Microsoft.RecoveryServices/locations/eastus/backupCrossRegionRestore`;
  await refused(west.ask('POST', east, west.body(t, point, 'RestoreDisks')), 'BMSUserErrorInvalidInput', /for region 'westus', not for 'eastus'/);
  assert.equal((await west.jobs()).length, before);
});

test('the vault and the item are as free as before', async () => {
  await s.backup();
  const [newest] = await s.points();
  await west.arrived(newest.name);
  assert.deepEqual((await west.points()).map((p) => p.name), (await s.points()).map((p) => p.name));
});

test('killed at any step, a restore goes on from the copy after the next start', async () => {
  for (const [i, place] of ['restore/prepare/unsaved', 'restore/disk', 'restore/config/before', 'restore/publish/unsaved'].entries()) {
    const group = `${s.sub}/resourceGroups/westcrash${i}`;
    await west.call('PUT', group, RESOURCES, { location: 'westus' });
    const token = await west.token(point);
    await server.stop();
    await server.start(`${place}=kill`);
    // the answer may be lost with the server
    await west.restore(token, point, 'RestoreDisks', { targetResourceGroupId: group }).catch((e) => assert.match(e.code, /^(ECONNRESET|ECONNREFUSED|EPIPE)$/));
    assert.equal((await server.died()).signal, 'SIGKILL', place);
    await server.start();
    await west.jobEnd((await west.jobs())[0].name);
    const disks = await disksIn(group);
    assert.equal(disks.length, 3, place);
    for (const d of disks)
      assert.equal(contentHash(d.tags['holdfast:path']), contentHash(source(d), source(d) === s.os ? 'qcow2' : 'raw'), `${place} ${d.name}`);
  }
});

test('the same calls through the pipeline of Azure\'s JavaScript SDK', async () => {
  const { RecoveryServicesBackupClient } = await import('@azure/arm-recoveryservicesbackup');
  const { createHttpHeaders, createPipelineRequest } = await import('@azure/core-rest-pipeline');
  const credential = { getToken: async () => ({ token: server.token(), expiresOnTimestamp: Date.now() + 3600e3 }) };
  const trust = { name: 'trust', sendRequest: (r, next) => next(Object.assign(r, { tlsSettings: { ca: server.ca } })) };
  const client = new RecoveryServicesBackupClient(credential, server.subscription, { endpoint: server.url, additionalPolicies: [{ position: 'perCall', policy: trust }] });
  const call = async (method, path, body) => {
    const r = await client.sendRequest(createPipelineRequest({ method, url: `${server.url}${path}?api-version=2021-11-15`,
      body: body && JSON.stringify(body), headers: createHttpHeaders(body ? { 'content-type': 'application/json' } : {}) }));
    assert.ok(r.status < 300, r.bodyAsText);
    return { headers: r.headers, json: r.bodyAsText ? JSON.parse(r.bodyAsText) : undefined };
  };
  const group = `${s.sub}/resourceGroups/westsdk`;
  await west.call('PUT', group, RESOURCES, { location: 'westus' });
  const [item] = (await call('GET', `${s.vault}/backupProtectedItems/`)).json.value;
  const [rp] = (await call('GET', `${item.id}/recoveryPoints/`)).json.value;
  const aad = (await call('GET', `${west.location}/backupAadProperties`)).json;
  const token = (await call('POST', `${rp.id}/accessToken`, aad)).json.properties;
  const r = await call('POST', `${west.location}/backupCrossRegionRestore`, west.body(token, rp.name, 'RestoreDisks', { targetResourceGroupId: group }));
  const id = r.headers.get('azure-asyncoperation').match(/backupCrrOperationsStatus\/([^?]+)/)[1];
  let op;
  do {
    op = (await call('GET', `${west.location}/backupCrrOperationsStatus/${encodeURIComponent(id)}`)).json;
    await sleep(50);
  } while (op.status === 'InProgress');
  let job;
  do {
    job = (await call('POST', `${west.location}/backupCrrJob`, { resourceId: s.vault, jobName: op.properties.jobId })).json;
    await sleep(50);
  } while (job.properties.status === 'InProgress');
  assert.equal(job.properties.status, 'Completed');
  assert.equal((await disksIn(group)).length, 3);
});
