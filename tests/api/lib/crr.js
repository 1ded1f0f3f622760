// crr.js - the steps of a cross-region restore as calls, in the order of the origin document.
import assert from 'node:assert/strict';
import { NETWORK, ok, RESOURCES, Setup, STORAGE } from './flow.js';
import { request } from './http.js';
import { patience, sleep } from './server.js';

export const VERSIONS = ['2018-12-20', '2021-11-15', '2023-01-15'];
export const NOT_ENABLED = 'BMSUserErrorCrossRegionRestoreNotEnabledInThisVault';

// The paired region of a Setup's vault, with a group, a storage account and a network of its own.
export class SecondRegion {
  static async create(s, options = {}) {
    const w = new SecondRegion();
    Object.assign(w, { s, server: s.server, region: 'westus', version: '2021-11-15', ...options });
    w.location = `${s.sub}/providers/Microsoft.RecoveryServices/locations/${w.region}`;
    w.group = `${s.sub}/resourceGroups/west`;
    w.accountId = `${w.group}/providers/Microsoft.Storage/storageAccounts/weststaging`;
    w.vnetId = `${w.group}/providers/Microsoft.Network/virtualNetworks/westnet`;
    await w.call('PUT', w.group, RESOURCES, { location: w.region });
    await w.call('PUT', w.accountId, STORAGE, { location: w.region, sku: { name: 'Standard_LRS' }, kind: 'StorageV2', properties: {} });
    await w.call('PUT', w.vnetId, NETWORK, { location: w.region, properties: { addressSpace: { addressPrefixes: ['10.1.0.0/16'] },
      subnets: [{ name: 'default', properties: { addressPrefix: '10.1.0.0/24' } }] } });
    return w;
  }

  call(method, target, version, body) {
    return ok(this.server, method, target, { version, body });
  }

  ask(method, target, body, version = this.version) {
    return request(this.server, method, target, { version, body });
  }

  async points(filter = '') {
    return (await this.call('GET', `${this.s.item}/recoveryPoints/${filter}`, this.version)).json.value;
  }

  // Wait until the second region shows the point; how it shows it.
  async arrived(point) {
    const end = Date.now() + patience;
    for (;;) {
      const r = await this.ask('GET', `${this.s.item}/recoveryPoints/${point}`);
      if (r.status === 200) return r.json;
      if (Date.now() > end) throw new Error(`point ${point} does not arrive: ${r.text}\n${this.server.log()}`);
      await sleep(100);
    }
  }

  async aad() {
    return (await this.call('GET', `${this.location}/backupAadProperties?$filter=backupManagementType%20eq%20'AzureIaasVM'`, this.version)).json;
  }

  askToken(point, body, options = {}) {
    return request(this.server, 'POST', `${this.s.item}/recoveryPoints/${point}/accessToken`, { version: this.version, body, ...options });
  }

  // The "properties" that come with an access token for the point.
  async token(point) {
    const r = await this.askToken(point, await this.aad());
    assert.equal(r.status, 200, r.text);
    return r.json.properties;
  }

  body(details, point, recoveryType, more = {}) {
    return { crossRegionRestoreAccessDetails: details, restoreRequest: { objectType: 'IaasVMRestoreRequest', recoveryPointId: point,
      recoveryType, sourceResourceId: this.s.vmId, storageAccountId: this.accountId, region: this.region, createNewCloudService: false,
      originalStorageAccountOption: false, encryptionDetails: { encryptionEnabled: false }, ...more } };
  }

  restore(details, point, recoveryType, more = {}) {
    return this.ask('POST', `${this.location}/backupCrossRegionRestore`, this.body(details, point, recoveryType, more));
  }

  async job(name) {
    return (await this.call('POST', `${this.location}/backupCrrJob`, this.version, { resourceId: this.s.vault, jobName: name })).json;
  }

  async jobs(filter = '') {
    return (await this.call('POST', `${this.location}/backupCrrJobs${filter}`, this.version, { resourceId: this.s.vault })).json.value;
  }

  async jobEnd(name, want = 'Completed') {
    const end = Date.now() + patience;
    for (;;) {
      const j = await this.job(name);
      if (j.properties.status !== 'InProgress') {
        assert.equal(j.properties.status, want, JSON.stringify(j) + this.server.log());
        return j;
      }
      if (Date.now() > end) throw new Error(`job does not end: ${JSON.stringify(j)}\n${this.server.log()}`);
      await sleep(100);
    }
  }

  finished(reply) {
    return Setup.prototype.finished.call(this, reply);
  }

  // Token (unless given), restore, operation, job; the finished job.
  async restored(point, recoveryType, more = {}, details = undefined) {
    const r = await this.restore(details ?? await this.token(point), point, recoveryType, more);
    assert.equal(r.status, 202, r.text);
    const op = await this.finished(r);
    return this.jobEnd(op.properties.jobId);
  }
}
