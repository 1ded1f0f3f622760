// arm_surface.test.js - what clients touch beside backups: security groups, tags, skus, pages of lists.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { COMPUTE, NETWORK, ok, RESOURCES, Setup } from './lib/flow.js';
import { Server } from './lib/server.js';

let server, s;
before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
});
after(() => server.destroy());

const refused = async (r, code, pattern, status = 400) => {
  r = await r;
  assert.equal(r.status, status, r.text);
  assert.equal(r.json.error.code, code, r.text);
  assert.match(r.json.error.message, pattern);
};
const network = (name) => `${s.group}/providers/Microsoft.Network/${name}`;
const put = (id, body, version = NETWORK) => ok(server, 'PUT', id, { version, body });
const get = async (id, version = NETWORK) => (await ok(server, 'GET', id, { version })).json;
const rule = (name, priority, more = {}) => ({ name, properties: { priority, direction: 'Inbound', access: 'Allow', protocol: 'Tcp',
  sourcePortRange: '*', destinationPortRange: '22', sourceAddressPrefix: '*', destinationAddressPrefix: '*', ...more } });

test('security groups: kept with their rules, and as long as something names them', async () => {
  const id = network('networkSecurityGroups/nsg1'), body = { location: 'eastus', tags: { a: 'b' }, properties: { securityRules: [rule('ssh', 100), rule('out', 100, { direction: 'Outbound' })] } };
  assert.equal((await put(id, body)).status, 201);
  const seen = await get(id);
  assert.equal(seen.properties.provisioningState, 'Succeeded');
  assert.equal(seen.properties.securityRules[0].id, `${id}/securityRules/ssh`);
  assert.equal(seen.properties.securityRules[0].properties.destinationPortRange, '22');
  assert.deepEqual((await get(network('networkSecurityGroups'))).value.map((g) => g.id), [id]);

  const subnet = (nsg) => ({ location: 'eastus', properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [{ name: 'default', properties: { addressPrefix: '10.0.0.0/24', ...nsg } }] } });
  const vnet = network('virtualNetworks/net1');
  await refused(request(server, 'PUT', vnet, { version: NETWORK, body: subnet({ networkSecurityGroup: { id: `${id}x` } }) }), 'InvalidResourceReference', /nsg1x/);
  await put(vnet, subnet({ networkSecurityGroup: { id } }));
  await refused(request(server, 'DELETE', id, { version: NETWORK }), 'InUseNetworkSecurityGroupCannotBeDeleted', /net1/);
  await put(vnet, subnet());
  assert.equal((await ok(server, 'DELETE', id, { version: NETWORK })).status, 200);
  assert.equal((await request(server, 'GET', id, { version: NETWORK })).status, 404);
});

test('security groups: rules that cannot be', async () => {
  const bad = (rules) => request(server, 'PUT', network('networkSecurityGroups/bad'), { version: NETWORK, body: { location: 'eastus', properties: { securityRules: rules } } });
  await refused(bad([rule('a', 99)]), 'SecurityRuleInvalidPriority', /securityRules\[0\].*priority.*99/);
  await refused(bad([rule('a', 100), rule('b', 100)]), 'SecurityRuleConflict', /a and b/);
  await refused(bad([rule('a', 100), rule('A', 101)]), 'InvalidRequestFormat', /twice/);
  await refused(bad([rule('a', 100, { access: 'Perhaps' })]), 'SecurityRuleInvalid', /access: 'Perhaps'/);
  await refused(bad([{ name: 'a' }]), 'InvalidRequestFormat', /properties is missing/);
  assert.equal((await request(server, 'GET', network('networkSecurityGroups/bad'), { version: NETWORK })).status, 404);
});

const tagsOf = (id) => `${id}/providers/Microsoft.Resources/tags/default`;

test('tags of groups and resources: replaced, merged, taken away', async () => {
  const body = (tags, operation) => ({ version: RESOURCES, body: { operation, properties: { tags } } });
  for (const id of [s.group, s.vmId, s.vault, s.diskId('vm1-os')].filter(Boolean)) {
    const before = (await ok(server, 'GET', tagsOf(id), { version: RESOURCES })).json;
    assert.equal(before.id, tagsOf(id));
    const own = Object.fromEntries(Object.entries(before.properties.tags).filter(([k]) => k === 'holdfast:path'));
    const is = async (tags) => assert.deepEqual((await ok(server, 'GET', tagsOf(id), { version: RESOURCES })).json.properties.tags, { ...tags, ...own });
    await ok(server, 'PUT', tagsOf(id), body({ env: 'test', team: 'blue' }));
    await is({ env: 'test', team: 'blue' });
    await ok(server, 'PATCH', tagsOf(id), body({ env: 'prod', tier: '1' }, 'Merge'));
    await is({ env: 'prod', team: 'blue', tier: '1' });
    await ok(server, 'PATCH', tagsOf(id), body({ env: 'other', team: 'blue' }, 'Delete'));
    await is({ env: 'prod', tier: '1' });
    await ok(server, 'DELETE', tagsOf(id), { version: RESOURCES });
    await is({});
    await refused(request(server, 'PATCH', tagsOf(id), body({ a: 'b' }, 'Swap')), 'InvalidTagPatchOperation', /Swap/);
    await refused(request(server, 'PUT', tagsOf(id), body({ a: 7 })), 'InvalidTagValue', /properties.*tags\.a/);
    await refused(request(server, 'PUT', tagsOf(id), { version: RESOURCES, body: {} }), 'InvalidRequestContent', /properties\.tags/);
  }
  assert.equal((await request(server, 'GET', tagsOf(`${s.group}x`), { version: RESOURCES })).status, 404);
});

test('tag names in use are listed with their values', async () => {
  await ok(server, 'PUT', tagsOf(s.group), { version: RESOURCES, body: { properties: { tags: { cost: '42' } } } });
  const { value } = await get(`${s.sub}/tagNames`, RESOURCES);
  const cost = value.find((t) => t.tagName === 'cost');
  assert.deepEqual(cost.count, { type: 'Total', value: 1 });
  assert.equal(cost.values[0].tagValue, '42');
});

test('a disk is patched: tags and sku, not its image', async () => {
  const id = s.diskId('vm1-os'), path = (await get(id, COMPUTE)).tags['holdfast:path'];
  const { json } = await ok(server, 'PATCH', id, { version: COMPUTE, body: { tags: { a: 'b' }, sku: { name: 'Premium_LRS' } } });
  assert.deepEqual(json.tags, { a: 'b', 'holdfast:path': path });
  assert.equal(json.sku.name, 'Premium_LRS');
  await refused(request(server, 'PATCH', id, { version: COMPUTE, body: { tags: { a: 1 } } }), 'InvalidTagValue', /tags\.a/);
  assert.equal((await request(server, 'PATCH', s.diskId('none'), { version: COMPUTE, body: { tags: {} } })).status, 404);
});

test('skus: of disks by region, of VMs those in use', async () => {
  const { value } = await get(`${s.sub}/providers/Microsoft.Compute/skus?$filter=location%20eq%20'eastus'`, COMPUTE);
  assert.ok(value.some((k) => k.resourceType === 'disks' && k.name === 'Premium_LRS'));
  assert.ok(value.every((k) => k.locations.length === 1 && k.locations[0] === 'eastus'));
  const size = (await get(s.vmId, COMPUTE)).properties.hardwareProfile?.vmSize;
  assert.equal(value.some((k) => k.resourceType === 'virtualMachines' && k.name === size), size !== undefined);
});

test('lists come in pages of 200 that hold while rows come and go', async () => {
  const scope = s.group, role = `${s.sub}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`;
  const principalId = (await get(`${s.sub}/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()`, '2022-04-01')).value[0].properties.principalId;
  const name = (n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const at = (n) => `${s.group}/providers/Microsoft.Network/virtualNetworks/net${n}`;
  const assign = async (n) => {
    await put(at(n), { location: 'eastus', properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } } });
    await ok(server, 'PUT', `${at(n)}/providers/Microsoft.Authorization/roleAssignments/${name(n)}`,
      { version: '2022-04-01', body: { properties: { roleDefinitionId: role, principalId } } });
  };
  for (let n = 100; n < 330; n += 1) await assign(n);
  const first = await get(`${scope}/providers/Microsoft.Authorization/roleAssignments`, '2022-04-01');
  assert.equal(first.value.length, 200);
  // the row that the next page starts after goes, one comes before it, one comes behind it
  await ok(server, 'DELETE', at(Number(first.value.at(-1).name.slice(-12))), { version: NETWORK });
  await assign(50);
  await assign(400);
  const second = (await request(server, 'GET', first.nextLink)).json;
  assert.equal(second.nextLink, undefined);
  const names = [...first.value, ...second.value].map((a) => a.name);
  assert.equal(new Set(names).size, names.length);
  for (let n = 100; n < 330; n += 1) assert.ok(names.includes(name(n)), `${n} is listed`);
  assert.ok(names.includes(name(400)));
});

test('a vault is changed by those who saw it as it is', async () => {
  const id = `${s.group}/providers/Microsoft.RecoveryServices/vaults/etags`, version = '2024-04-01';
  const put = (headers) => request(server, 'PUT', id, { version, headers, body: { location: 'eastus', sku: { name: 'Standard' }, properties: {}, tags: { n: String(Math.random()) } } });
  await refused(put({ 'If-Match': '*' }), 'PreconditionFailed', /etags' does not exist/, 412);
  assert.equal((await put({ 'If-None-Match': '*' })).status, 201);
  await refused(put({ 'If-None-Match': '*' }), 'PreconditionFailed', /'etags' has the etag W/, 412);
  const { etag } = await get(id, version);
  assert.equal((await put({ 'If-Match': `"x", ${etag}` })).status, 200);
  await refused(put({ 'If-Match': etag }), 'PreconditionFailed', /etags/, 412);
  await refused(request(server, 'PATCH', id, { version, headers: { 'If-Match': etag }, body: { tags: {} } }), 'PreconditionFailed', /etags/, 412);
  await refused(request(server, 'DELETE', id, { version, headers: { 'If-Match': etag } }), 'PreconditionFailed', /etags/, 412);
  const now = (await get(id, version)).etag;
  const all = await Promise.all([1, 2, 3, 4].map(() => put({ 'If-Match': now })));
  assert.deepEqual(all.map((r) => r.status).sort(), [200, 412, 412, 412]);
  assert.equal((await request(server, 'DELETE', id, { version, headers: { 'If-Match': (await get(id, version)).etag } })).status, 202);
});
