"""The resource types of Google Cloud. What replaces: Terraform's `ForceNew` in the provider's sources."""

from dataclasses import replace

from slipway.infra.resources import containers, openness
from slipway.infra.resources.row import (
    PERMISSION,
    WIRING,
    WITH_SERVICE,
    Billed,
    NoCharge,
    Protection,
    Replacement,
    Role,
    Row,
)

CLOUD_RUN = "gcp:cloudrunv2/service:Service"
WORKER_POOL = "gcp:cloudrunv2/workerPool:WorkerPool"
SQL_INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance"
CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
SECRET = "gcp:secretmanager/secret:Secret"  # noqa: S105 a type's name
PROJECT_API = "gcp:projects/service:Service"
LOG_METRIC = "gcp:logging/metric:Metric"
LOG_BUCKET = "gcp:logging/projectBucketConfig:ProjectBucketConfig"

ALERT_POLICY = "gcp:monitoring/alertPolicy:AlertPolicy"

_SOURCE = "terraform-provider-google-beta 93c65b2, google-beta/services/"
_RULE = Billed("forwarding-rule")
_LOGS = "logs, until Cloud Logging's retention ends"
_ROUTED = NoCharge("routing log entries has no charge, only storing them")
_OBJECTIVE = NoCharge("an objective has no charge")
_NODE_CONFIG = (
    "guestAccelerators localSsdCount ephemeralStorageConfig ephemeralStorageLocalSsdConfig "
    "localNvmeSsdBlockConfig secondaryBootDisks metadata minCpuPlatform oauthScopes preemptible "
    "reservationAffinity spot serviceAccount shieldedInstanceConfig sandboxConfig bootDiskKmsKey nodeGroup "
    "advancedMachineFeatures soleTenantConfig hostMaintenancePolicy "
    "confidentialNodes.confidentialInstanceType enableConfidentialStorage localSsdEncryptionMode "
    "maxRunDuration flexStart"
)
_IN_NODE_CONFIG = " ".join(f"nodeConfig.{name}" for name in _NODE_CONFIG.split())


def _by(properties: str, source: str) -> Replacement:
    return Replacement.by(properties, f"{_SOURCE}{source}")


def _grant(properties: str, source: str) -> Row:
    return Row(Role.GRANT, _by(properties, source), PERMISSION, opens=openness.by_grant, is_entry=True)


# Grants on whatever else, of which the provider's table was not read.
GRANT = Row(Role.GRANT, None, PERMISSION, opens=openness.by_grant)
PROJECT_GRANT = replace(GRANT, on_project=True)

ROWS = {
    CLOUD_RUN: Row(
        Role.SERVICE,
        _by("location name tags project", "cloudrunv2/resource_cloud_run_v2_service.go"),
        Billed("cloud-run-service"),
        protection=Protection("deletionProtection", by_default=True),
        containers=containers.of_cloud_run,
        opens=openness.by_unchecked_invoker,
        reachable=openness.by_ingress_from_everywhere,
        stays=_LOGS,
        rolls_on=("template",),
    ),
    WORKER_POOL: Row(
        Role.WORKLOAD,
        _by(
            "location name project template.containers.dependsOns",
            "cloudrunv2/resource_cloud_run_v2_worker_pool.go",
        ),
        Billed("cloud-run-worker-pool"),
        containers=containers.of_cloud_run,
        stays=_LOGS,
        rolls_on=("template",),
    ),
    "gcp:cloudrunv2/serviceIamMember:ServiceIamMember": _grant(
        "project location name role member condition", "cloudrunv2/iam_cloud_run_v2_service.go"
    ),
    "gcp:cloudrun/domainMapping:DomainMapping": Row(
        Role.NETWORK,
        _by(
            "location name project metadata.namespace metadata.annotations metadata.labels spec",
            "cloudrun/resource_cloud_run_domain_mapping.go",
        ),
        WITH_SERVICE,
    ),
    PROJECT_API: Row(
        Role.CLOUD_API,
        _by("service project", "resourcemanager/resource_google_project_service.go"),
        NoCharge("enabling an API has no charge"),
        stays="APIs, enabled for the project: other services may use them",
    ),
    "gcp:projects/iAMMember:IAMMember": replace(
        _grant("project role member condition", "resourcemanager/iam_project.go"),
        charge=Billed("project-grant"),
        on_project=True,
    ),
    "gcp:serviceaccount/account:Account": Row(
        Role.IDENTITY,
        _by("accountId project", "resourcemanager/resource_google_service_account.go"),
        PERMISSION,
    ),
    "gcp:serviceaccount/key:Key": Row(Role.SECRET, None, PERMISSION, holds=True),
    "gcp:serviceaccount/iAMMember:IAMMember": _grant(
        "serviceAccountId role member condition", "resourcemanager/iam_service_account.go"
    ),
    SECRET: Row(
        Role.SECRET,
        _by("secretId project replication tags", "secretmanager/resource_secret_manager_secret.go"),
        NoCharge("billed by its versions"),
        holds=True,
    ),
    "gcp:secretmanager/secretVersion:SecretVersion": Row(
        Role.SECRET_VERSION,
        _by(
            "secret secretData secretDataWoVersion isSecretDataBase64",
            "secretmanager/resource_secret_manager_secret_version.go",
        ),
        Billed("secret-version"),
    ),
    "gcp:secretmanager/secretIamMember:SecretIamMember": _grant(
        "project secretId role member condition", "secretmanager/iam_secret_manager_secret.go"
    ),
    SQL_INSTANCE: Row(
        Role.STORAGE,
        _by(
            "name region project masterInstanceName clone encryptionKeyName replicaConfiguration "
            "settings.collation settings.diskType settings.timeZone",
            "sql/resource_sql_database_instance.go",
        ),
        Billed("cloud-sql-instance"),
        protection=Protection("deletionProtection", by_default=True),
        opens=openness.by_authorized_network,
        reachable=openness.by_direct_connections,
        holds=True,
        stays="backups of the database, as long as Cloud SQL keeps those of a deleted instance",
    ),
    LOG_METRIC: Row(
        Role.CONFIGURATION,
        _by("name project", "logging/resource_logging_metric.go"),
        Billed("log-metric"),
    ),
    "gcp:storage/bucket:Bucket": Row(Role.STORAGE, None, None, holds=True),
    "gcp:storage/bucketIAMMember:BucketIAMMember": _grant(
        "bucket role member condition", "storage/iam_storage_bucket.go"
    ),
    "gcp:artifactregistry/repository:Repository": Row(
        Role.STORAGE,
        _by(
            "format repositoryId kmsKeyName location mode project remoteRepositoryConfig mavenConfig",
            "artifactregistry/resource_artifact_registry_repository.go",
        ),
        Billed("artifact-registry"),
        holds=True,
    ),
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": _grant(
        "project location repository role member condition",
        "artifactregistry/iam_artifact_registry_repository.go",
    ),
    LOG_BUCKET: Row(
        Role.STORAGE,
        _by("bucketId location project", "logging/resource_logging_bucket_config.go"),
        Billed("log-bucket"),
        holds=True,
    ),
    "gcp:logging/projectSink:ProjectSink": Row(
        Role.CONFIGURATION,
        _by("name project uniqueWriterIdentity", "logging/resource_logging_project_sink.go"),
        _ROUTED,
    ),
    "gcp:logging/projectExclusion:ProjectExclusion": Row(
        Role.CONFIGURATION, _by("name project", "logging/resource_logging_exclusion.go"), _ROUTED
    ),
    ALERT_POLICY: Row(
        Role.ALARM, _by("project", "monitoring/resource_monitoring_alert_policy.go"), Billed("alert-policy")
    ),
    "gcp:monitoring/notificationChannel:NotificationChannel": Row(
        Role.ALARM,
        _by("project", "monitoring/resource_monitoring_notification_channel.go"),
        NoCharge("an e-mail has no charge"),
    ),
    "gcp:monitoring/customService:CustomService": Row(
        Role.ALARM,
        _by("project serviceId", "monitoring/resource_monitoring_service.go"),
        _OBJECTIVE,
    ),
    "gcp:monitoring/slo:Slo": Row(
        Role.ALARM, _by("project service sloId", "monitoring/resource_monitoring_slo.go"), _OBJECTIVE
    ),
    "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig": Row(
        Role.ALARM,
        _by(
            "project monitoredResource resourceGroup checkerType httpCheck.requestMethod syntheticMonitor",
            "monitoring/resource_monitoring_uptime_check_config.go",
        ),
        NoCharge("a project has a million runs of checks free each month; this one has about 26,000"),
    ),
    "gcp:monitoring/dashboard:Dashboard": Row(
        Role.DASHBOARD,
        _by("project", "monitoring/resource_monitoring_dashboard.go"),
        NoCharge("a dashboard has no charge"),
    ),
    CLUSTER: Row(
        Role.CLUSTER,
        _by(
            "name location clusterIpv4Cidr description enableKubernetesAlpha enableTpu tpuConfig "
            "enableAutopilot initialNodeCount confidentialNodes masterAuth.clientCertificateConfig network "
            "nodePools project subnetwork ipAllocationPolicy.clusterIpv4CidrBlock "
            "ipAllocationPolicy.servicesIpv4CidrBlock ipAllocationPolicy.clusterSecondaryRangeName "
            "ipAllocationPolicy.servicesSecondaryRangeName networkingMode "
            "privateClusterConfig.masterIpv4CidrBlock datapathProvider "
            "privateClusterConfig.privateEndpointSubnetwork defaultMaxPodsPerNode "
            f"dataplaneOptimizationMode userManagedKeysConfig {_IN_NODE_CONFIG}",
            "container/resource_container_cluster.go, node_config.go",
        ),
        Billed("gke-cluster"),
        protection=Protection("deletionProtection", by_default=True),
        stays=_LOGS,
    ),
    NODE_POOL: Row(
        Role.NODE_POOL,
        _by(
            "project cluster location name namePrefix initialNodeCount maxPodsPerNode placementPolicy "
            "queuedProvisioning networkConfig.acceleratorNetworkProfile networkConfig.createPodRange "
            "networkConfig.podRange networkConfig.podIpv4CidrBlock "
            "networkConfig.additionalNodeNetworkConfigs networkConfig.additionalPodNetworkConfigs "
            "networkConfig.podCidrOverprovisionConfig "
            f"networkConfig.subnetwork {_IN_NODE_CONFIG}",
            "container/resource_container_node_pool.go, node_config.go",
        ),
        Billed("node-pool"),
    ),
    "gcp:compute/globalAddress:GlobalAddress": Row(
        Role.NETWORK,
        _by(
            "name address addressType description ipVersion network prefixLength purpose project",
            "compute/resource_compute_global_address.go",
        ),
        NoCharge("no charge while a load balancer uses it"),
        holds=True,
    ),
    "gcp:compute/network:Network": Row(Role.NETWORK, None, WIRING),
    "gcp:compute/subnetwork:Subnetwork": Row(Role.NETWORK, None, WIRING),
    "gcp:compute/router:Router": Row(Role.NETWORK, None, WIRING),
    "gcp:compute/routerNat:RouterNat": Row(Role.NETWORK, None, Billed("router-nat")),
    # What a firewall opens is not read.
    "gcp:compute/firewall:Firewall": Row(Role.NETWORK, None, WIRING, opens=None),
    "gcp:compute/managedSslCertificate:ManagedSslCertificate": Row(
        Role.NETWORK, None, NoCharge("Google issues it for nothing")
    ),
    "gcp:compute/forwardingRule:ForwardingRule": Row(Role.NETWORK, None, _RULE, opens=None),
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": Row(Role.NETWORK, None, _RULE, opens=None),
}
