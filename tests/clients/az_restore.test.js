// az_restore.test.js - az brings disks back in every way it knows; their bytes are compared.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { NETWORK, ok, Setup } from '../api/lib/flow.js';
import { contentHash } from '../api/lib/images.js';
import { run, Server } from '../api/lib/server.js';
import { Az } from './lib/az.js';

let server, az, s, point, restore, os, data;

before(async () => {
  server = await (await Server.create()).start();
  az = new Az(server, 'az-restore');
  s = await Setup.create(server, 'web1');
  await s.protect();
  await s.backup();
  [{ name: point }] = await s.points();
  restore = `backup restore restore-disks -g rg1 -v vault1 -c web1 -i web1 -r ${point} --storage-account staging1`;
  os = contentHash(s.os, 'qcow2');
  data = s.data.map((file) => contentHash(file));
  await az.signIn();
});
after(() => az.end());

// A restore that az started and followed, until its job is over.
async function restored(command) {
  const job = await az.run(`${restore} ${command}`);
  assert.equal(job.properties.operation, 'Restore');
  return s.jobEnd(job.name);
}

async function hashes(group) {
  return (await az.run(`disk list -g ${group}`)).map((d) => contentHash(d.tags['holdfast:path'])).sort();
}

test('into a resource group: all disks, the OS disk alone, chosen LUNs', async () => {
  const kinds = [['all', '', [os, ...data]], ['osonly', '--restore-only-osdisk true', [os]], ['luns', '--diskslist 1', [os, data[1]]]];
  for (const [group, options, want] of kinds) {
    await az.run(`group create -n ${group} -l eastus`);
    await restored(`-t ${group} ${options}`);
    assert.deepEqual(await hashes(group), want.sort(), group);
  }
});

test('unmanaged: VHD blobs that az storage lists and downloads', async () => {
  const job = await restored('--restore-as-unmanaged-disks true');
  const container = job.properties.extendedInfo.propertyBag['Config Blob Container Name'];
  const [{ value: key }] = await az.run('storage account keys list -g rg1 -n staging1');
  const account = `--account-name staging1 --account-key ${key} --blob-endpoint ${server.url}/staging1`;
  assert.ok((await az.run(`storage container list ${account}`)).some((c) => c.name === container));
  const vhds = (await az.run(`storage blob list -c ${container} ${account}`)).filter((b) => b.name.endsWith('.vhd'));
  assert.equal(vhds.length, 3);
  assert.ok(vhds.every((b) => b.properties.blobType === 'PageBlob'));
  const file = path.join(server.root, 'back.vhd');
  await az.run(`storage blob download -c ${container} -n ${vhds.find((b) => b.name.includes('datadisk-001')).name} -f ${file} --no-progress ${account}`);
  assert.equal(run('qemu-img', ['compare', '-f', 'vpc', '-F', 'raw', file, s.data[1]], { mayFail: true }).status, 0);
});

test('a new machine in another group', async () => {
  await ok(server, 'PUT', `${s.group}/providers/Microsoft.Network/virtualNetworks/net1`, { version: NETWORK, body: { location: 'eastus', properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [{ name: 'default', properties: { addressPrefix: '10.0.0.0/24' } }] } } });
  await az.run('group create -n alr -l eastus');
  await restored('--restore-mode AlternateLocation -t alr --target-vm-name web2 --target-vnet-name net1 --target-vnet-resource-group rg1 --target-subnet-name default');
  const vm = await az.run('resource show -g alr -n web2 --resource-type Microsoft.Compute/virtualMachines');
  assert.equal(vm.properties.storageProfile.dataDisks.length, 2);
  assert.deepEqual(await hashes('alr'), [os, ...data].sort());
});

test('in place of the machine\'s disks', async () => {
  fs.writeFileSync(s.data[0], Buffer.alloc(4096, 0x5a), { flag: 'r+' });	// damage to undo
  await restored('--restore-mode OriginalLocation');
  const vm = await az.run('resource show -g rg1 -n web1 --resource-type Microsoft.Compute/virtualMachines');
  const [id] = vm.properties.storageProfile.dataDisks.map((d) => d.managedDisk.id);
  const disk = await az.run(`disk show --ids ${id}`);
  assert.equal(disk.managedBy, s.vmId);
  assert.equal(contentHash(disk.tags['holdfast:path']), data[0]);
  assert.equal((await s.points()).length, 2);
});

test('what cannot be restored is refused in words that az shows', async () => {
  assert.match(await az.fails(`${restore} -t nothere`), /nothere/);
  assert.match(await az.fails(`${restore.replace('staging1', 'nothere')} -t all`), /nothere/);
});

test('jobs of restores', async () => {
  const jobs = await az.run('backup job list -g rg1 -v vault1 --operation Restore');
  assert.equal(jobs.length, 6);
  assert.ok(jobs.every((j) => j.properties.status === 'Completed'));
});
