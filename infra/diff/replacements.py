"""Which changed inputs make a provider replace a resource, in place of changing it.

A row: the resource's type, its properties as paths without what names an item, and the source. A property
that stands here forces by itself and by all that is in it. A type without a row is not known: its change is
shown as one, and that it could be a replacement is said.

Terraform's `ForceNew` in the sources that the Pulumi providers are made of, and the Kubernetes provider's own
table. The rows of AWS are held against `createOnlyProperties` of CloudFormation's schemas by a test.
"""

from collections.abc import Iterable
from dataclasses import dataclass

_GOOGLE = "terraform-provider-google-beta 93c65b2, google-beta/services/"
_AWS = "terraform-provider-aws 6, internal/service/"
_KUBERNETES = "pulumi-kubernetes 9497796, provider/pkg/provider/diff.go"


@dataclass(frozen=True, slots=True)
class Row:
    """everything: all properties but those that are named. source: where it can be read."""

    properties: tuple[str, ...]
    source: str
    everything: bool = False

    def forced_by(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if self._names(path) is not self.everything]

    def _names(self, path: str) -> bool:
        return any(path == name or path.startswith(f"{name}.") for name in self.properties)


def _row(properties: str, source: str, everything: bool = False) -> Row:
    return Row(tuple(properties.split()), source, everything)


_NODE_CONFIG = (
    "guestAccelerators localSsdCount ephemeralStorageConfig ephemeralStorageLocalSsdConfig "
    "localNvmeSsdBlockConfig secondaryBootDisks metadata minCpuPlatform oauthScopes preemptible "
    "reservationAffinity spot serviceAccount shieldedInstanceConfig sandboxConfig bootDiskKmsKey nodeGroup "
    "advancedMachineFeatures soleTenantConfig hostMaintenancePolicy "
    "confidentialNodes.confidentialInstanceType enableConfidentialStorage localSsdEncryptionMode "
    "maxRunDuration flexStart"
)
_IN_NODE_CONFIG = " ".join(f"nodeConfig.{name}" for name in _NODE_CONFIG.split())

TABLE: dict[str, Row] = {
    "gcp:cloudrunv2/service:Service": _row(
        "location name tags project", f"{_GOOGLE}cloudrunv2/resource_cloud_run_v2_service.go"
    ),
    "gcp:cloudrunv2/serviceIamMember:ServiceIamMember": _row(
        "project location name role member condition", f"{_GOOGLE}cloudrunv2/iam_cloud_run_v2_service.go"
    ),
    "gcp:cloudrun/domainMapping:DomainMapping": _row(
        "location name project metadata.namespace metadata.annotations metadata.labels spec",
        f"{_GOOGLE}cloudrun/resource_cloud_run_domain_mapping.go",
    ),
    "gcp:projects/service:Service": _row(
        "service project", f"{_GOOGLE}resourcemanager/resource_google_project_service.go"
    ),
    "gcp:projects/iAMMember:IAMMember": _row(
        "project role member condition", f"{_GOOGLE}resourcemanager/iam_project.go"
    ),
    "gcp:serviceaccount/account:Account": _row(
        "accountId project", f"{_GOOGLE}resourcemanager/resource_google_service_account.go"
    ),
    "gcp:serviceaccount/iAMMember:IAMMember": _row(
        "serviceAccountId role member condition", f"{_GOOGLE}resourcemanager/iam_service_account.go"
    ),
    "gcp:secretmanager/secret:Secret": _row(
        "secretId project replication tags", f"{_GOOGLE}secretmanager/resource_secret_manager_secret.go"
    ),
    "gcp:secretmanager/secretVersion:SecretVersion": _row(
        "secret secretData secretDataWoVersion isSecretDataBase64",
        f"{_GOOGLE}secretmanager/resource_secret_manager_secret_version.go",
    ),
    "gcp:secretmanager/secretIamMember:SecretIamMember": _row(
        "project secretId role member condition", f"{_GOOGLE}secretmanager/iam_secret_manager_secret.go"
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": _row(
        "bucket role member condition", f"{_GOOGLE}storage/iam_storage_bucket.go"
    ),
    "gcp:artifactregistry/repository:Repository": _row(
        "format repositoryId kmsKeyName location mode project remoteRepositoryConfig mavenConfig",
        f"{_GOOGLE}artifactregistry/resource_artifact_registry_repository.go",
    ),
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": _row(
        "project location repository role member condition",
        f"{_GOOGLE}artifactregistry/iam_artifact_registry_repository.go",
    ),
    "gcp:container/cluster:Cluster": _row(
        "name location clusterIpv4Cidr description enableKubernetesAlpha enableTpu tpuConfig enableAutopilot "
        "initialNodeCount confidentialNodes masterAuth.clientCertificateConfig network nodePools project "
        "subnetwork ipAllocationPolicy.clusterIpv4CidrBlock ipAllocationPolicy.servicesIpv4CidrBlock "
        "ipAllocationPolicy.clusterSecondaryRangeName ipAllocationPolicy.servicesSecondaryRangeName "
        "networkingMode privateClusterConfig.masterIpv4CidrBlock datapathProvider "
        "privateClusterConfig.privateEndpointSubnetwork defaultMaxPodsPerNode "
        f"dataplaneOptimizationMode userManagedKeysConfig {_IN_NODE_CONFIG}",
        f"{_GOOGLE}container/resource_container_cluster.go, node_config.go",
    ),
    "gcp:container/nodePool:NodePool": _row(
        "project cluster location name namePrefix initialNodeCount maxPodsPerNode placementPolicy "
        "queuedProvisioning networkConfig.acceleratorNetworkProfile networkConfig.createPodRange "
        "networkConfig.podRange networkConfig.podIpv4CidrBlock networkConfig.additionalNodeNetworkConfigs "
        "networkConfig.additionalPodNetworkConfigs networkConfig.podCidrOverprovisionConfig "
        f"networkConfig.subnetwork {_IN_NODE_CONFIG}",
        f"{_GOOGLE}container/resource_container_node_pool.go, node_config.go",
    ),
    "aws:appautoscaling/policy:Policy": _row(
        "name resourceId scalableDimension serviceNamespace", f"{_AWS}appautoscaling/policy.go"
    ),
    "aws:appautoscaling/target:Target": _row(
        "resourceId scalableDimension serviceNamespace", f"{_AWS}appautoscaling/target.go"
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction": _row(
        "name resourceId scalableDimension serviceNamespace", f"{_AWS}appautoscaling/scheduled_action.go"
    ),
    "aws:cloudwatch/logGroup:LogGroup": _row("name namePrefix logGroupClass", f"{_AWS}logs/group.go"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _row(
        "vpcId", f"{_AWS}ec2/vpc_default_security_group.go"
    ),
    "aws:ec2/internetGateway:InternetGateway": _row("", f"{_AWS}ec2/vpc_internet_gateway.go"),
    "aws:ec2/route:Route": _row(
        "routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
        f"{_AWS}ec2/vpc_route.go",
    ),
    "aws:ec2/routeTable:RouteTable": _row("vpcId", f"{_AWS}ec2/vpc_route_table.go"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _row(
        "subnetId gatewayId", f"{_AWS}ec2/vpc_route_table_association.go"
    ),
    "aws:ec2/securityGroup:SecurityGroup": _row(
        "name namePrefix description vpcId", f"{_AWS}ec2/vpc_security_group.go"
    ),
    "aws:ec2/subnet:Subnet": _row(
        "vpcId cidrBlock availabilityZone availabilityZoneId ipv6Native outpostArn",
        f"{_AWS}ec2/vpc_subnet.go",
    ),
    "aws:ec2/vpc:Vpc": _row("cidrBlock ipv4IpamPoolId ipv4NetmaskLength", f"{_AWS}ec2/vpc_.go"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _row(
        "serviceName vpcEndpointType vpcId serviceRegion", f"{_AWS}ec2/vpc_endpoint.go"
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _row(
        "securityGroupId", f"{_AWS}ec2/vpc_security_group_ingress_rule.go"
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _row(
        "securityGroupId", f"{_AWS}ec2/vpc_security_group_egress_rule.go"
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _row("repository policy", f"{_AWS}ecr/lifecycle_policy.go"),
    "aws:ecr/repository:Repository": _row("name encryptionConfigurations", f"{_AWS}ecr/repository.go"),
    "aws:ecs/cluster:Cluster": _row("name", f"{_AWS}ecs/cluster.go"),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": _row(
        "clusterName", f"{_AWS}ecs/cluster_capacity_providers.go"
    ),
    "aws:ecs/service:Service": _row(
        "cluster iamRole launchType name schedulingStrategy deploymentController.type",
        f"{_AWS}ecs/service.go",
    ),
    "aws:ecs/taskDefinition:TaskDefinition": _row(
        "skipDestroy trackLatest tags tagsAll", f"{_AWS}ecs/task_definition.go", everything=True
    ),
    "aws:iam/role:Role": _row("name namePrefix path", f"{_AWS}iam/role.go"),
    "aws:iam/rolePolicy:RolePolicy": _row("name namePrefix role", f"{_AWS}iam/role_policy.go"),
    "aws:lb/listener:Listener": _row("loadBalancerArn", f"{_AWS}elbv2/listener.go"),
    "aws:lb/listenerRule:ListenerRule": _row("listenerArn", f"{_AWS}elbv2/listener_rule.go"),
    "aws:lb/loadBalancer:LoadBalancer": _row(
        "name namePrefix internal loadBalancerType customerOwnedIpv4Pool", f"{_AWS}elbv2/load_balancer.go"
    ),
    "aws:lb/targetGroup:TargetGroup": _row(
        "name namePrefix port protocol protocolVersion targetType vpcId ipAddressType",
        f"{_AWS}elbv2/target_group.go",
    ),
    "aws:secretsmanager/secret:Secret": _row("name namePrefix", f"{_AWS}secretsmanager/secret.go"),
    "aws:secretsmanager/secretVersion:SecretVersion": _row(
        "secretId secretString secretBinary", f"{_AWS}secretsmanager/secret_version.go"
    ),
    "random:index/randomId:RandomId": _row(
        "byteLength keepers prefix", "terraform-provider-random 3.7, internal/provider/resource_id.go"
    ),
    "random:index/randomPassword:RandomPassword": _row(
        "", "terraform-provider-random, internal/provider/resource_password.go", everything=True
    ),
    # With it alone another cluster is another provider, and all of its objects are made anew.
    "pulumi:providers:kubernetes": _row(
        "clusterIdentifier", "pulumi-kubernetes f47bc2d, provider/pkg/provider/provider.go, DiffConfig"
    ),
    "docker-build:index:Image": _row("", "pulumi-docker-build 0.0.22, provider/internal/image.go, Diff"),
    "pulumi-python:dynamic/slipway:LocalProcess": _row("", "components/local/provider.py, diff"),
    "docker:index/container:Container": _row(
        "attach containerReadRefreshTimeoutMilliseconds cpuPeriod cpuQuota cpuSet cpuShares "
        "destroyGraceSeconds deviceReadBps deviceReadIops deviceWriteBps deviceWriteIops healthcheck init "
        "logs maxRetryCount memory memoryReservation memorySwap mustRun removeVolumes restart rm start tmpfs "
        "wait waitTimeout",
        "terraform-provider-docker, internal/provider/resource_docker_container.go",
        everything=True,
    ),
    "docker:index/remoteImage:RemoteImage": _row(
        "name platform pullTriggers triggers",
        "terraform-provider-docker, internal/provider/resource_docker_image.go",
    ),
}
# Kind -> what forces, beside the name and the namespace, which do so for every kind.
_KUBERNETES_KINDS = {
    "apps/v1:Deployment": "spec.selector",
    "apps/v1:DaemonSet": "spec.selector",
    "apps/v1:StatefulSet": "spec.podManagementPolicy spec.revisionHistoryLimit spec.selector "
    "spec.serviceName spec.volumeClaimTemplates",
    "core/v1:ConfigMap": "data binaryData",
    "core/v1:Secret": "type data stringData",
    "core/v1:Service": "spec.clusterIP",
    "core/v1:ResourceQuota": "spec.scopes",
    "core/v1:PersistentVolumeClaim": "spec.accessModes spec.selector spec.storageClassName spec.volumeName",
    "batch/v1:Job": "spec.completions spec.parallelism spec.selector spec.template",
    "rbac.authorization.k8s.io/v1:RoleBinding": "roleRef",
    "rbac.authorization.k8s.io/v1:ClusterRoleBinding": "roleRef",
    "storage.k8s.io/v1:StorageClass": "parameters provisioner",
}
# Of every regional resource: registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/
# enhanced-region-support.
_AWS_REGION = "region"


def row_of(type_: str) -> Row | None:
    """None where nothing is known of the type."""
    if type_.startswith("kubernetes:"):
        own = _KUBERNETES_KINDS.get(type_.removeprefix("kubernetes:"), "")
        return _row(f"metadata.name metadata.namespace {own}", _KUBERNETES)
    row = TABLE.get(type_)
    if row and type_.startswith("aws:") and not row.everything:
        return Row((*row.properties, _AWS_REGION), row.source)
    return row
