// az_second_region.test.js - az with --use-secondary-region: a machine comes back in the paired region.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SecondRegion } from '../api/lib/crr.js';
import { Setup } from '../api/lib/flow.js';
import { contentHash } from '../api/lib/images.js';
import { Server } from '../api/lib/server.js';
import { Az } from './lib/az.js';

let server, az, s, west, point;
const vault = '-g rg1 -v vault1';
const kind = '--backup-management-type AzureIaasVM --workload-type VM --use-secondary-region';

before(async () => {
  server = await (await Server.create()).start();
  az = new Az(server, 'az-second-region');
  s = await Setup.create(server, 'web1');
  west = await SecondRegion.create(s);
  await s.protect();
  await az.signIn();
});
after(() => az.end());

test('cross-region restore is switched on by backup-properties set', async () => {
  assert.match(await az.fails(`backup item list ${vault} ${kind}`), /Cross Region Restore is not enabled/);
  await az.run('backup vault backup-properties set -g rg1 -n vault1 --cross-region-restore-flag True');
  await s.backup();
  [{ name: point }] = await s.points();
  await west.arrived(point);
});

test('items, containers and points of the second region', async () => {
  assert.deepEqual((await az.run(`backup item list ${vault} ${kind}`)).map((i) => i.id), [s.item]);
  assert.equal((await az.run(`backup item show ${vault} -c web1 -n web1 ${kind}`)).properties.friendlyName, 'web1');
  assert.deepEqual((await az.run(`backup container list ${vault} --backup-management-type AzureIaasVM --use-secondary-region`)).map((c) => c.name), [s.container]);
  const points = await az.run(`backup recoverypoint list ${vault} -c web1 -i web1 ${kind}`);
  assert.deepEqual(points.map((p) => p.name), [point]);
  assert.equal((await az.run(`backup recoverypoint show ${vault} -c web1 -i web1 -n ${point} ${kind}`)).name, point);
});

test('restore-disks there: all disks, chosen LUNs, a new machine; jobs show and list', async () => {
  const restore = `backup restore restore-disks ${vault} -c web1 -i web1 -r ${point} --use-secondary-region
    --storage-account weststaging --storage-account-resource-group west`.replace(/\s+/g, ' ');
  const os = contentHash(s.os, 'qcow2');
  const data = s.data.map((file) => contentHash(file));
  const machine = '--target-vm-name web2 --target-vnet-name westnet --target-vnet-resource-group west --target-subnet-name default';
  const kinds = [['all', '', [os, ...data]], ['luns', '--diskslist 0', [os, data[0]]], ['machine', machine, [os, ...data]]];
  for (const [group, options, want] of kinds) {
    await az.run(`group create -n ${group} -l westus`);
    const job = await az.run(`${restore} -t ${group} ${options}`);
    assert.equal(job.properties.operation, 'CrossRegionRestore');
    await west.jobEnd(job.name);
    assert.equal((await az.run(`backup job show ${vault} -n ${job.name} --use-secondary-region`)).properties.status, 'Completed');
    const disks = await az.run(`disk list -g ${group}`);
    assert.ok(disks.every((d) => d.location === 'westus'));
    assert.deepEqual(disks.map((d) => contentHash(d.tags['holdfast:path'])).sort(), want.sort(), group);
  }
  assert.equal((await az.run(`backup job list ${vault} --use-secondary-region`)).length, kinds.length);
  const vm = await az.run('resource show -g machine -n web2 --resource-type Microsoft.Compute/virtualMachines');
  assert.equal(vm.location, 'westus');
});
