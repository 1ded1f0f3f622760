#!/usr/bin/python3
"""sdk.py STEP - Debian's Python SDK as a program uses it: one step of a backup and restore.

The server is told by the variables of admin.env; vault1 in group rg1 protects machine web1, as the steps
before have left it.  Exits with 0 if all was as expected, and prints a JSON document of what it found; requests
and answers are on standard error."""
import json
import logging
import os
import sys
import time

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.recoveryservices import RecoveryServicesClient
from azure.mgmt.recoveryservices.models import Sku, Vault, VaultProperties
from azure.mgmt.recoveryservicesbackup.activestamp import RecoveryServicesBackupClient
from azure.mgmt.recoveryservicesbackup.activestamp import models
from azure.mgmt.resource import ResourceManagementClient

URL = os.environ['HOLDFAST_URL']
SUBSCRIPTION = os.environ['HOLDFAST_SUBSCRIPTION']
GROUP, VAULT, FABRIC = 'rg1', 'vault1', 'Azure'
GROUP_ID = f'/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}'
VM_ID = f'{GROUP_ID}/providers/Microsoft.Compute/virtualMachines/web1'
VAULT_ID = f'{GROUP_ID}/providers/Microsoft.RecoveryServices/vaults/{VAULT}'
ITEM = (VAULT, GROUP, FABRIC, f'IaasVMContainer;iaasvmcontainerv2;{GROUP};web1', f'VM;iaasvmcontainerv2;{GROUP};web1')

logging.basicConfig(level=logging.DEBUG)
# without the option, Microsoft's host would be asked whether it knows this one
credential = ClientSecretCredential(os.environ['HOLDFAST_TENANT'], os.environ['HOLDFAST_CLIENT_ID'],
                                    os.environ['HOLDFAST_CLIENT_SECRET'], authority=URL, instance_discovery=False)
options = {'base_url': URL, 'credential_scopes': [URL + '/.default'], 'logging_enable': True}
vaults = RecoveryServicesClient(credential, SUBSCRIPTION, **options).vaults
backup = RecoveryServicesBackupClient(credential, SUBSCRIPTION, **options)
compute = ComputeManagementClient(credential, SUBSCRIPTION, **options)
groups = ResourceManagementClient(credential, SUBSCRIPTION, **options).resource_groups


def finished(response):
    """The job of an operation that a 202 announced, once both are over."""
    operation = response.http_response.headers['Azure-AsyncOperation'].split('?')[0].split('/')[-1]
    while (status := backup.backup_operation_statuses.get(VAULT, GROUP, operation)).status == 'InProgress':
        time.sleep(0.2)
    assert status.status == 'Succeeded', status
    return job(status.properties.job_id)


def job(name):
    while (found := backup.job_details.get(VAULT, GROUP, name)).properties.status == 'InProgress':
        time.sleep(0.2)
    assert found.properties.status == 'Completed', found
    return found.properties


def headers(response, *_):
    return response


def step_vault():
    made = vaults.begin_create_or_update(GROUP, VAULT, Vault(
        location='eastus', sku=Sku(name='Standard'), properties=VaultProperties(public_network_access='Enabled'))).result()
    assert made.properties.provisioning_state == 'Succeeded' and made.id == VAULT_ID, made
    assert [v.name for v in vaults.list_by_resource_group(GROUP)] == [VAULT]
    policy = backup.protection_policies.get(VAULT, GROUP, 'DefaultPolicy')
    assert policy.properties.protected_items_count == 0, policy
    config = backup.backup_resource_vault_configs.get(VAULT, GROUP)
    assert config.properties.soft_delete_feature_state == 'Enabled', config


def step_backup():
    protect = models.ProtectedItemResource(properties=models.AzureIaaSComputeVMProtectedItem(
        source_resource_id=VM_ID, policy_id=VAULT_ID + '/backupPolicies/DefaultPolicy'))
    done = finished(backup.protected_items.create_or_update(*ITEM, protect, cls=headers))
    assert done.operation == 'ConfigureBackup', done
    now = models.BackupRequestResource(properties=models.IaasVMBackupRequest())
    done = finished(backup.backups.trigger(*ITEM, now, cls=headers))
    assert done.operation == 'Backup' and len(done.extended_info.tasks_list) == 2, done
    points = list(backup.recovery_points.list(*ITEM))
    assert len(points) == 1 and points[0].properties.is_managed_virtual_machine, points
    items = list(backup.backup_protected_items.list(VAULT, GROUP, filter="backupManagementType eq 'AzureIaasVM'"))
    assert [i.properties.virtual_machine_id for i in items] == [VM_ID], items


def step_restore():
    target = groups.create_or_update('back', {'location': 'eastus'})
    point = next(iter(backup.recovery_points.list(*ITEM))).name
    request = models.RestoreRequestResource(properties=models.IaasVMRestoreRequest(
        recovery_point_id=point, recovery_type='RestoreDisks', source_resource_id=VM_ID, region='eastus',
        storage_account_id=f'{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/staging1',
        target_resource_group_id=target.id, create_new_cloud_service=False, original_storage_account_option=False))
    backup.restores.begin_trigger(*ITEM, point, request).result()
    restores = list(backup.backup_jobs.list(VAULT, GROUP, filter="operation eq 'Restore'"))
    assert len(restores) == 1, restores
    job(restores[0].name)
    return [d.tags['holdfast:path'] for d in compute.disks.list_by_resource_group('back')]


def step_errors():
    try:
        vaults.get(GROUP, 'nothere')
        raise AssertionError('a vault that is not there was found')
    except ResourceNotFoundError as e:
        assert e.error.code == 'ResourceNotFound' and 'nothere' in e.message, e
    try:
        backup.recovery_points.get(*ITEM, '123456789012345')
        raise AssertionError('a point that is not there was found')
    except HttpResponseError as e:
        assert e.error.code == 'UserErrorRpNotFound' and '123456789012345' in e.message, e


def step_delete():
    backup.backup_resource_vault_configs.update(VAULT, GROUP, models.BackupResourceVaultConfigResource(
        properties=models.BackupResourceVaultConfig(soft_delete_feature_state='Disabled', enhanced_security_state='Enabled')))
    done = finished(backup.protected_items.delete(*ITEM, cls=headers))
    assert done.operation == 'DeleteBackupData', done
    vaults.delete(GROUP, VAULT)
    assert not list(vaults.list_by_subscription_id())


def step_limits():
    # more at once than the server allows
    return [[g.name for g in groups.list()] for _ in range(8)]


print(json.dumps(globals()['step_' + sys.argv[1]]()))
