// roles.test.js - who may do what: every role against every route, scopes, lists, what bodies name.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { request } from './lib/http.js';
import { COMPUTE, NETWORK, ok, RESOURCES, Setup, V, VAULTS } from './lib/flow.js';
import { makeRaw, MiB } from './lib/images.js';
import { Principal } from './lib/principal.js';
import { binary, run, Server } from './lib/server.js';

const ROLES = ['Owner', 'Contributor', 'Reader', 'Backup Contributor', 'Backup Operator', 'Backup Reader'];
const AUTHORIZATION = '2022-04-01';

let server, s, point;
const definitions = {};
before(async () => {
  server = await (await Server.create()).start();
  s = await Setup.create(server);
  await s.protect();
  await s.backup();
  [{ name: point }] = await s.points();
  const all = (await ok(server, 'GET', `${s.sub}/providers/Microsoft.Authorization/roleDefinitions`, { version: AUTHORIZATION })).json.value;
  for (const d of all) definitions[d.properties.roleName] = d;
});
after(() => server.destroy());

const assignments = (scope) => `${scope}/providers/Microsoft.Authorization/roleAssignments`;
// As az sends it; the reply.
const assign = (who, role, scope, by = {}) => request(server, 'PUT', `${assignments(scope)}/${crypto.randomUUID()}`, { version: '2020-04-01-preview',
  body: { properties: { roleDefinitionId: definitions[role].id, principalId: who.objectId, principalType: 'ServicePrincipal' } }, ...by });
async function holder(role, scope) {
  const who = new Principal(server, role);
  const r = await assign(who, role, scope);
  assert.equal(r.status, 201, r.text);
  return who;
}

function refused(r, who, action, scope) {
  assert.equal(r.status, 403, r.text);
  assert.equal(r.json.error.code, 'AuthorizationFailed');
  assert.equal(r.json.error.message.toLowerCase(), (`The client '${who.clientId}' with object id '${who.objectId}' does not have authorization to perform action `
    + `'${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`).toLowerCase());
}

function lacks(r, action, id) {
  assert.equal(r.status, 403, r.text);
  assert.equal(r.json.error.code, 'LinkedAuthorizationFailed');
  assert.ok(r.json.error.message.includes(`does not have permission to perform action '${action}' on the linked scope(s) '${id}'`), r.text);
}

// ---- the matrix ----

const pattern = (text) => new RegExp(`^${text.split('*').map((p) => p.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 'i');
const allows = (role, action) => definitions[role].properties.permissions.some((p) =>
  p.actions.some((a) => pattern(a).test(action)) && !p.notActions.some((a) => pattern(a).test(action)));

// The routes of docs/roles.md, which a unit test holds to the program's; names in them that nothing has.
function routes() {
  const text = fs.readFileSync(path.resolve(import.meta.dirname, '../../docs/roles.md'), 'utf8');
  const short = { '~S': s.sub, '~RG': `${s.sub}/resourceGroups/none`, '~V': `${s.sub}/resourceGroups/none/providers/Microsoft.RecoveryServices/vaults/none`,
    '~L': `${s.sub}/providers/Microsoft.RecoveryServices/locations/eastus` };
  short['~ITEM'] = `${short['~V']}/backupFabrics/Azure/protectionContainers/none/protectedItems/none`;
  return [...text.matchAll(/^\| ([A-Z]+) \| `([^`]*)` \| `([^`]*)`(.*) \|$/gm)].map(([, method, where, action, more]) => ({
    method, shown: where, action: action.replace('{ns}', 'Microsoft.Compute'), any: more.includes('any role'),
    target: where.replace(/^~\w+/, (w) => short[w]).replace('/{scope*}', s.sub).replace('{ns}', 'Microsoft.Compute').replace(/\{\w+\*?\}/g, 'none') }));
}

for (const role of ROLES) {
  test(`${role}: every route, as the role's actions say`, async () => {
    const who = await holder(role, s.sub);
    const agent = new https.Agent({ keepAlive: true });
    const wrong = [];
    let seen = 0;
    for (const r of routes().filter(({ shown }) => !shown.startsWith('/{account}'))) {
      const body = ['PUT', 'POST', 'PATCH'].includes(r.method) ? {} : undefined;
      const reply = await who.ask(r.method, r.target, { version: r.shown.startsWith('/-') ? null : '2021-12-01', body, agent });
      const may = r.any || allows(role, r.action);
      seen++;
      if (may ? [401, 403].includes(reply.status) : reply.status !== 403 || reply.json.error.code !== 'AuthorizationFailed'
        || !reply.json.error.message.includes(`'${r.action}'`))
        wrong.push(`${r.method} ${r.shown}: ${reply.status}, ${may ? 'allowed' : 'refused'} is right: ${reply.text}`);
    }
    agent.destroy();
    assert.deepEqual(wrong, []);
    assert.ok(seen > 100);
  });
}

// ---- scopes and lists ----

test('a principal without a role sees no subscription and is refused', async () => {
  const who = new Principal(server, 'nobody');
  assert.deepEqual((await who.ask('GET', '/subscriptions')).json.value, []);
  refused(await who.ask('GET', s.sub), who, 'Microsoft.Resources/subscriptions/read', s.sub);
  refused(await who.ask('GET', `${s.sub}/resourceGroups`), who, 'Microsoft.Resources/subscriptions/resourceGroups/read', s.sub);
  refused(await who.ask('GET', s.vault, { version: VAULTS }), who, 'Microsoft.RecoveryServices/vaults/read', s.vault);
});

test('a role at a group holds in it and nowhere else; lists show what may be read', async () => {
  const other = await Setup.create(server, 'vm2', { rg: 'rg2', vault: 'vault2', account: 'staging2' });
  const who = await holder('Reader', s.group);
  const ids = async (target, version) => {
    const r = await who.ask('GET', target, { version });
    assert.equal(r.status, 200, r.text);
    return r.json.value.map((v) => v.id);
  };
  assert.deepEqual(await ids('/subscriptions', RESOURCES), [s.sub]);
  assert.deepEqual(await ids(`${s.sub}/resourceGroups`, RESOURCES), [s.group]);
  assert.deepEqual(await ids(`${s.sub}/providers/Microsoft.RecoveryServices/vaults`, VAULTS), [s.vault]);
  assert.deepEqual(await ids(`${s.sub}/providers/Microsoft.Compute/virtualMachines`, COMPUTE), [s.vmId]);
  assert.ok((await ids(`${s.sub}/resources`, RESOURCES)).every((id) => id.startsWith(`${s.group}/`)));
  assert.equal((await who.ask('GET', s.vmId.toUpperCase(), { version: COMPUTE })).status, 200);
  refused(await who.ask('GET', other.vmId, { version: COMPUTE }), who, 'Microsoft.Compute/virtualMachines/read', other.vmId);
  refused(await who.ask('GET', `${other.group}/providers/Microsoft.Compute/disks`, { version: COMPUTE }), who, 'Microsoft.Compute/disks/read', other.group);
  refused(await who.ask('PUT', s.group, { version: RESOURCES, body: { location: 'eastus' } }), who, 'Microsoft.Resources/subscriptions/resourceGroups/write', s.group);
});

test('a role at a vault holds for what is in it', async () => {
  const who = await holder('Backup Reader', s.vault);
  assert.equal((await who.ask('GET', `${s.item}/recoveryPoints`, { version: V })).json.value.length, 1);
  assert.deepEqual((await who.ask('GET', `${s.group}/providers/Microsoft.RecoveryServices/vaults`, { version: VAULTS })).json.value.map((v) => v.id), [s.vault]);
  assert.deepEqual((await who.ask('GET', `${s.sub}/resources`, { version: RESOURCES })).json.value.map((v) => v.id), [s.vault]);
  refused(await who.ask('POST', `${s.item}/backup`, { version: V }), who,
    'Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/backup/action', s.item);
});

test('what is assigned at a resource goes with it', async () => {
  const id = `${s.sub}/resourceGroups/short`;
  const make = () => ok(server, 'PUT', id, { version: RESOURCES, body: { location: 'eastus' } });
  await make();
  const who = await holder('Contributor', id);
  assert.equal((await who.ask('GET', id, { version: RESOURCES })).status, 200);
  assert.equal((await request(server, 'DELETE', id, { version: RESOURCES })).status, 202);
  while ((await request(server, 'GET', id, { version: RESOURCES })).status !== 404);
  await make();
  assert.equal((await who.ask('GET', id, { version: RESOURCES })).status, 403);
});

// ---- assignments ----

test('assignments: made, shown, listed by az\'s filters, deleted', async () => {
  const who = new Principal(server, 'assigned'), name = crypto.randomUUID();
  const id = `${assignments(s.group)}/${name}`;
  const body = { properties: { roleDefinitionId: definitions.Reader.id, principalId: who.objectId } };
  const put = (target = id, b = body) => request(server, 'PUT', target, { version: '2015-07-01', body: b });
  const list = async (scope, filter = '') => (await ok(server, 'GET', `${assignments(scope)}${filter && `?$filter=${encodeURIComponent(filter)}`}`,
    { version: AUTHORIZATION })).json.value.map((a) => a.id);
  const made = await put();
  assert.equal(made.status, 201, made.text);
  assert.deepEqual([made.json.id, made.json.name, made.json.type], [id, name, 'Microsoft.Authorization/roleAssignments']);
  const { roleDefinitionId, principalId, principalType, scope } = made.json.properties;
  assert.deepEqual({ roleDefinitionId, principalId, principalType, scope },
    { roleDefinitionId: definitions.Reader.id, principalId: who.objectId, principalType: 'ServicePrincipal', scope: s.group });
  assert.equal((await put()).status, 200);
  const again = await put(`${assignments(s.group)}/${crypto.randomUUID()}`);
  assert.deepEqual([again.status, again.json.error.code], [409, 'RoleAssignmentExists']);
  const changed = await put(id, { properties: { ...body.properties, roleDefinitionId: definitions.Owner.id } });
  assert.deepEqual([changed.status, changed.json.error.code], [409, 'RoleAssignmentUpdateNotPermitted']);
  assert.equal((await ok(server, 'GET', id, { version: AUTHORIZATION })).json.id, id);
  assert.deepEqual(await list(s.group, `principalId eq '${who.objectId}'`), [id]);
  assert.deepEqual(await list(s.sub, `principalId eq '${who.objectId}'`), [id]);
  assert.deepEqual(await list(s.sub, `atScope() and principalId eq '${who.objectId}'`), []);
  assert.deepEqual(await list(s.vault, `assignedTo('${who.objectId}')`), [id]);
  assert.ok((await list(s.group, 'atScope()')).includes(id));
  assert.equal((await request(server, 'DELETE', id, { version: AUTHORIZATION })).status, 200);
  assert.equal((await request(server, 'DELETE', id, { version: AUTHORIZATION })).status, 204);
  assert.equal((await request(server, 'GET', id, { version: AUTHORIZATION })).status, 404);
});

test('assignments that cannot be are refused by name', async () => {
  const who = new Principal(server, 'bad');
  const good = { roleDefinitionId: definitions.Reader.id, principalId: who.objectId };
  const code = async (scope, properties, name = crypto.randomUUID()) => {
    const r = await request(server, 'PUT', `${assignments(scope)}/${name}`, { version: AUTHORIZATION, body: { properties } });
    return `${r.status} ${r.json.error.code}`;
  };
  const none = crypto.randomUUID();
  assert.equal(await code(s.group, { ...good, principalId: none }), '400 PrincipalNotFound');
  assert.equal(await code(s.group, { ...good, roleDefinitionId: none }), '404 RoleDefinitionDoesNotExist');
  assert.equal(await code(s.group, good, 'x'), '400 InvalidRoleAssignmentId');
  assert.equal(await code(s.group, { principalId: who.objectId }), '400 InvalidCreateRoleAssignmentRequest');
  assert.equal(await code(s.group, { ...good, condition: 'x' }), '400 InvalidCreateRoleAssignmentRequest');
  assert.equal(await code(s.group, { ...good, principalType: 'User' }), '400 UnmatchedPrincipalType');
  assert.equal(await code(`${s.sub}/resourceGroups/none`, good), '404 ResourceGroupNotFound');
  assert.equal(await code(`${s.group}/providers/Microsoft.RecoveryServices/vaults/none`, good), '404 ResourceNotFound');
  assert.equal(await code('/subscriptions/00000000-0000-4000-8000-000000000000', good), '404 SubscriptionNotFound');
});

test('only who may assign at a scope does, and only there', async () => {
  const friend = new Principal(server, 'friend'), owner = await holder('Owner', s.group);
  for (const role of ROLES.slice(1)) {
    const who = await holder(role, s.sub);
    refused(await assign(friend, 'Reader', s.group, { token: who.token }), who, 'Microsoft.Authorization/roleAssignments/write', s.group);
    refused(await assign(who, 'Owner', s.group, { token: who.token }), who, 'Microsoft.Authorization/roleAssignments/write', s.group);
  }
  refused(await assign(owner, 'Owner', s.sub, { token: owner.token }), owner, 'Microsoft.Authorization/roleAssignments/write', s.sub);
  assert.equal((await assign(friend, 'Reader', s.vault, { token: owner.token })).status, 201);
});

// ---- what bodies name ----

test('a vault does not open machines to who may not change them', async () => {
  const who = await holder('Backup Contributor', s.vault);
  const item = s.item.replaceAll(';vm1', ';vm2'), vm = s.vmId.replace(/vm1$/, 'vm2');
  const body = { properties: { protectedItemType: 'Microsoft.Compute/virtualMachines', sourceResourceId: vm, policyId: `${s.vault}/backupPolicies/DefaultPolicy` } };
  lacks(await who.ask('PUT', item, { version: V, body }), 'Microsoft.Compute/virtualMachines/write', vm);
});

test('a machine of one\'s own takes no disks of others, and no subnets', async () => {
  const own = `${s.sub}/resourceGroups/own`, disk = s.diskId('vm2-data0').replace('/rg1/', '/rg2/');
  await ok(server, 'PUT', own, { version: RESOURCES, body: { location: 'eastus' } });
  const who = await holder('Contributor', own);
  const vm = { location: 'eastus', properties: { storageProfile: { osDisk: { managedDisk: { id: disk } } } } };
  lacks(await who.ask('PUT', `${own}/providers/Microsoft.Compute/virtualMachines/mine`, { version: COMPUTE, body: vm }), 'Microsoft.Compute/disks/write', disk);
  const vnet = `${s.group}/providers/Microsoft.Network/virtualNetworks/net0`;
  await ok(server, 'PUT', vnet, { version: NETWORK, body: { location: 'eastus', properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
    subnets: [{ name: 'default', properties: { addressPrefix: '10.0.0.0/24' } }] } } });
  const nic = { location: 'eastus', properties: { ipConfigurations: [{ name: 'one', properties: { subnet: { id: `${vnet}/subnets/default` } } }] } };
  lacks(await who.ask('PUT', `${own}/providers/Microsoft.Network/networkInterfaces/mine`, { version: NETWORK, body: nic }),
    'Microsoft.Network/virtualNetworks/subnets/join/action', `${vnet}/subnets/default`);
  const theirs = `${s.group}/providers/Microsoft.Network/networkInterfaces/theirs`;
  await ok(server, 'PUT', theirs, { version: NETWORK, body: nic });
  const mine = `${own}/providers/Microsoft.Compute/disks/mine`;
  await ok(server, 'PUT', mine, { version: COMPUTE, body: { location: 'eastus', properties: { creationData: { createOption: 'Attach',
    sourceUri: `file://${makeRaw(path.join(server.images, 'mine.img'), MiB, 'mine')}` } } } });
  const taking = { location: 'eastus', properties: { storageProfile: { osDisk: { managedDisk: { id: mine } } }, networkProfile: { networkInterfaces: [{ id: theirs }] } } };
  lacks(await who.ask('PUT', `${own}/providers/Microsoft.Compute/virtualMachines/mine`, { version: COMPUTE, body: taking }), 'Microsoft.Network/networkInterfaces/join/action', theirs);
  assert.equal((await ok(server, 'GET', theirs, { version: NETWORK })).json.properties.virtualMachine, undefined);
  const machines = await holder('Contributor', s.vmId);
  assert.equal((await machines.ask('PUT', s.vmId, { version: COMPUTE, body: s.vmBody() })).status, 200);
});

test('a restore needs rights on all that it makes', async () => {
  const west = `${s.sub}/resourceGroups/target`, vnet = `${s.group}/providers/Microsoft.Network/virtualNetworks/net1`;
  await ok(server, 'PUT', west, { version: RESOURCES, body: { location: 'eastus' } });
  await ok(server, 'PUT', vnet, { version: NETWORK, body: { location: 'eastus', properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
    subnets: [{ name: 'default', properties: { addressPrefix: '10.0.0.0/24' } }] } } });
  const who = await holder('Backup Operator', s.vault), subnet = `${vnet}/subnets/default`, vm = `${west}/providers/Microsoft.Compute/virtualMachines/new`;
  const restore = (type, more) => who.ask('POST', `${s.item}/recoveryPoints/${point}/restore`, { version: V, body: s.restoreBody(point, type, more) });
  const toVm = { targetVirtualMachineId: vm, targetResourceGroupId: west, virtualNetworkId: vnet, subnetId: subnet };
  lacks(await restore('RestoreDisks'), 'Microsoft.Storage/storageAccounts/listKeys/action', s.accountId);
  assert.equal((await assign(who, 'Contributor', s.accountId)).status, 201);
  lacks(await restore('RestoreDisks', { targetResourceGroupId: west }), 'Microsoft.Compute/disks/write', west);
  lacks(await restore('OriginalLocation'), 'Microsoft.Compute/disks/write', s.group);
  lacks(await restore('AlternateLocation', toVm), 'Microsoft.Compute/disks/write', west);
  assert.equal((await assign(who, 'Contributor', west)).status, 201);
  lacks(await restore('AlternateLocation', toVm), 'Microsoft.Network/virtualNetworks/subnets/join/action', subnet);
  const told = await who.ask('POST', `${s.vault}/backupValidateOperation`, { version: '2021-12-01', body: { id: `${s.item}/recoveryPoints/${point}`,
    properties: { objectType: 'ValidateIaasVMRestoreOperationRequest', restoreRequest: s.restoreBody(point, 'AlternateLocation', toVm).properties } } });
  assert.equal(told.json.validateOperationResponse.validationResults[0].code, 'LinkedAuthorizationFailed', told.text);
  const r = await restore('RestoreDisks', { targetResourceGroupId: west });
  assert.equal(r.status, 202, r.text);
  await s.jobEnd((await s.finished(r)).properties.jobId);
  assert.equal((await s.disks('target')).length, 3);
});

test('blobs: a bearer token needs to read the account, a key is enough by itself', async () => {
  const blobs = (who) => who.ask('GET', `/${s.account}?comp=list`, { version: null });
  assert.equal((await blobs(await holder('Reader', s.accountId))).status, 200);
  const who = await holder('Backup Reader', s.sub), r = await blobs(who);
  assert.equal(r.status, 403);
  assert.equal((await who.ask('GET', '/noaccount?comp=list', { version: null })).status, 403, 'nor told which accounts there are');
  assert.equal((await (await holder('Reader', s.sub)).ask('GET', '/noaccount?comp=list', { version: null })).status, 404);
  assert.ok(r.text.includes('AuthorizationPermissionMismatch'), r.text);
});

test('a principal that was added has the role that was said, or none, and takes its assignments along', async () => {
  const add = (...args) => JSON.parse(run(binary, ['principal', 'add', ...args, '--dir', server.dir, '--json']).stdout);
  const bearer = async (who) => (await request(server, 'POST', `/${server.tenant}/oauth2/v2.0/token`, { token: null,
    headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ grant_type: 'client_credentials',
      scope: 'https://management.azure.com/.default', client_id: who.clientId, client_secret: who.secret }).toString() })).json.access_token;
  const groups = async (who) => (await request(server, 'PUT', `/subscriptions/${server.subscription}/resourceGroups/added`, { version: RESOURCES, body: { location: 'eastus' }, token: await bearer(who) })).status;
  const none = add('nothing-yet'), some = add('contributes', '--role', 'contributor');
  assert.equal(await groups(none), 403);
  assert.ok([200, 201].includes(await groups(some)));
  run(binary, ['role', 'assign', server.dir, '--principal', none.objectId, '--role', 'Contributor']);
  assert.ok([200, 201].includes(await groups(none)));
  run(binary, ['principal', 'remove', 'nothing-yet', '--dir', server.dir]);
  assert.doesNotMatch(run(binary, ['role', 'list', server.dir]).stdout, new RegExp(none.objectId));
});
