// flow.js - the steps of the origin document as calls, with its api-versions.
import assert from 'node:assert/strict';
import path from 'node:path';
import { request } from './http.js';
import { makeQcow2, makeRaw, MiB } from './images.js';
import { patience, sleep } from './server.js';

export const V = '2019-05-13';	// the document's api-version
export const CRR = '2018-12-20';
export const VAULTS = '2016-06-01';
export const COMPUTE = '2022-11-01';
export const STORAGE = '2023-01-01';
export const NETWORK = '2022-07-01';
export const RESOURCES = '2021-04-01';

export async function ok(server, method, target, options = {}) {
  const r = await request(server, method, target, options);
  assert.ok(r.status >= 200 && r.status < 300, `${method} ${target}: ${r.status} ${r.text}\n${r.status >= 500 ? server.log() : ''}`);
  return r;
}

// One VM with a qcow2 OS disk and raw data disks in group `rg`, ready to be protected.
export class Setup {
  static async create(server, name = 'vm1', options = {}) {
    const s = new Setup();
    Object.assign(s, { server, name, rg: options.rg ?? 'rg1', region: options.region ?? 'eastus', vaultName: options.vault ?? 'vault1' });
    const sub = `/subscriptions/${server.subscription}`;
    s.sub = sub;
    s.group = `${sub}/resourceGroups/${s.rg}`;
    s.vmId = `${s.group}/providers/Microsoft.Compute/virtualMachines/${name}`;
    s.vault = `${s.group}/providers/Microsoft.RecoveryServices/vaults/${s.vaultName}`;
    const low = `${s.rg};${name}`.toLowerCase();
    s.container = `IaasVMContainer;iaasvmcontainerv2;${low}`;
    s.itemName = `VM;iaasvmcontainerv2;${low}`;
    s.item = `${s.vault}/backupFabrics/Azure/protectionContainers/${s.container}/protectedItems/${s.itemName}`;
    s.account = options.account ?? 'staging1';
    s.accountId = `${s.group}/providers/Microsoft.Storage/storageAccounts/${s.account}`;
    await ok(server, 'PUT', s.group, { version: RESOURCES, body: { location: s.region } });
    s.os = makeQcow2(path.join(server.images, `${name}-os.qcow2`), 24 * MiB, `${name}-os`);
    s.data = [0, 1].map((lun) => makeRaw(path.join(server.images, `${name}-data${lun}.img`), (16 + lun) * MiB + 512 * lun, `${name}-d${lun}`));
    await s.putDisk(`${name}-os`, s.os, 'Linux');
    for (const [lun, file] of s.data.entries()) await s.putDisk(`${name}-data${lun}`, file);
    await ok(server, 'PUT', s.vmId, { version: COMPUTE, body: s.vmBody() });
    await ok(server, 'PUT', s.accountId, { version: STORAGE, body: { location: s.region, sku: { name: 'Standard_LRS' }, kind: 'StorageV2', properties: {} } });
    await ok(server, 'PUT', s.vault, { version: VAULTS, body: { location: s.region, sku: { name: 'Standard' }, properties: {} } });
    return s;
  }

  diskId(name) {
    return `${this.group}/providers/Microsoft.Compute/disks/${name}`;
  }

  putDisk(name, file, osType) {
    return ok(this.server, 'PUT', this.diskId(name), { version: COMPUTE, body: { location: this.region,
      properties: { ...(osType ? { osType } : {}), creationData: { createOption: 'Attach', sourceUri: `file://${file}` } } } });
  }

  vmBody() {
    return { location: this.region, properties: { hardwareProfile: { vmSize: 'Standard_DS1_v2' },
      storageProfile: { osDisk: { osType: 'Linux', name: `${this.name}-os`, createOption: 'Attach', managedDisk: { id: this.diskId(`${this.name}-os`) } },
        dataDisks: this.data.map((_, lun) => ({ lun, name: `${this.name}-data${lun}`, createOption: 'Attach', managedDisk: { id: this.diskId(`${this.name}-data${lun}`) } })) } } };
  }

  async protect(extra = {}, version = V) {
    const r = await ok(this.server, 'PUT', this.item, { version, body: { properties: {
      protectedItemType: 'Microsoft.Compute/virtualMachines', sourceResourceId: this.vmId,
      policyId: `${this.vault}/backupPolicies/DefaultPolicy`, ...extra } } });
    assert.equal(r.status, 202);
    return this.finished(r);
  }

  // Follow the Azure-AsyncOperation of a 202 to its end; the operation's body.
  async finished(reply, want = 'Succeeded') {
    const url = reply.headers['azure-asyncoperation'];
    assert.ok(url, 'a 202 names its operation');
    const end = Date.now() + patience;
    for (;;) {
      const op = (await ok(this.server, 'GET', url)).json;
      if (op.status !== 'InProgress') {
        assert.equal(op.status, want, JSON.stringify(op));
        return op;
      }
      if (Date.now() > end) throw new Error(`operation does not end: ${JSON.stringify(op)}\n${this.server.log()}`);
      await sleep(100);
    }
  }

  async job(id, version = V) {
    return (await ok(this.server, 'GET', `${this.vault}/backupJobs/${id}`, { version })).json;
  }

  async jobEnd(id, want = 'Completed') {
    const end = Date.now() + patience;
    for (;;) {
      const j = await this.job(id);
      if (!['InProgress', 'Cancelling'].includes(j.properties.status)) {
        assert.equal(j.properties.status, want, JSON.stringify(j) + this.server.log());
        return j;
      }
      if (Date.now() > end) throw new Error(`job does not end: ${JSON.stringify(j)}\n${this.server.log()}`);
      await sleep(100);
    }
  }

  // Back up now and wait for the job; its body.
  async backup(want = 'Completed') {
    const r = await ok(this.server, 'POST', `${this.item}/backup`, { version: V, body: { properties: { objectType: 'IaasVMBackupRequest' } } });
    const op = await this.finished(r);
    return this.jobEnd(op.properties.jobId, want);
  }

  async points() {
    return (await ok(this.server, 'GET', `${this.item}/recoveryPoints`, { version: V })).json.value;
  }

  restoreBody(point, recoveryType, more = {}) {
    return { properties: { objectType: 'IaasVMRestoreRequest', recoveryPointId: point, recoveryType, sourceResourceId: this.vmId,
      storageAccountId: this.accountId, region: this.region, createNewCloudService: false, originalStorageAccountOption: false,
      encryptionDetails: { encryptionEnabled: false }, ...more } };
  }

  restore(point, recoveryType, more = {}) {
    return request(this.server, 'POST', `${this.item}/recoveryPoints/${point}/restore`, { version: V, body: this.restoreBody(point, recoveryType, more) });
  }

  async restored(point, recoveryType, more = {}) {
    const r = await this.restore(point, recoveryType, more);
    assert.equal(r.status, 202, r.text);
    const op = await this.finished(r);
    return this.jobEnd(op.properties.jobId);
  }

  async disks(rg = this.rg) {
    return (await ok(this.server, 'GET', `${this.sub}/resourceGroups/${rg}/providers/Microsoft.Compute/disks`, { version: COMPUTE })).json.value;
  }
}
