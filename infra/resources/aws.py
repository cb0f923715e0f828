"""The resource types of AWS. What replaces: Terraform's `ForceNew` in the provider's sources.

A test holds these rows against `createOnlyProperties` of CloudFormation's schemas.
"""

from slipway.infra.resources import containers, openness
from slipway.infra.resources.reading import Resource, items_at
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
    UnknownText,
)

ECS_SERVICE = "aws:ecs/service:Service"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SCALING_TARGET = "aws:appautoscaling/target:Target"
SCHEDULED_ACTION = "aws:appautoscaling/scheduledAction:ScheduledAction"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
FARGATE_COMPONENT = "slipway:index:FargateService"
ECR_REPOSITORY = "aws:ecr/repository:Repository"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
DATABASE = "aws:rds/instance:Instance"

_SOURCE = "terraform-provider-aws 6, internal/service/"
# Of every regional resource: registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/
# enhanced-region-support.
_REGION = " region"
_WITH_BALANCER = NoCharge("billed with its load balancer")
_SCALING = NoCharge("scaling has no charge; the alarms that it makes are not counted")
_WITH_DATABASE = NoCharge("billed with its database")
_SCALED = "resourceId scalableDimension serviceNamespace"
_EVENTS = NoCharge("events of AWS's own services have no charge")


def _by(properties: str, source: str) -> Replacement:
    return Replacement.by(properties + _REGION, f"{_SOURCE}{source}")


def _wiring(properties: str, source: str) -> Row:
    return Row(Role.NETWORK, _by(properties, source), WIRING)


def _scaling(properties: str, source: str) -> Row:
    return Row(Role.SCALING, _by(properties, source), _SCALING)


# The arguments of FargateService that reach its containers; those of the ECS service reach them as a label.
_OF_CONTAINERS = frozenset(
    {
        *("env", "secrets", "secret_values", "image_ref", "model", "expected_model", "task"),
        *("request_timeout_seconds", "load_seconds", "spot_percent", "on_demand_base", "assign_public_ip"),
        *("subnet_ids", "task_subnet_ids"),
        *("jobs", "jobs_database", "job_ttl_days", "jobs_per_caller", "job_files", "job_results"),
        *("webhook_hosts", "worker_spot"),
    }
)
# Of IAM, whose other tables were not read.
IAM = Row(Role.IDENTITY, None, PERMISSION)

ROWS = {
    "aws:appautoscaling/policy:Policy": _scaling(f"name {_SCALED}", "appautoscaling/policy.go"),
    SCALING_TARGET: _scaling(_SCALED, "appautoscaling/target.go"),
    SCHEDULED_ACTION: _scaling(f"name {_SCALED}", "appautoscaling/scheduled_action.go"),
    LOG_GROUP: Row(
        Role.STORAGE,
        _by("name namePrefix logGroupClass", "logs/group.go"),
        Billed("log-group"),
        holds=True,
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": Row(
        Role.CONFIGURATION, _by("name logGroupName", "logs/metric_filter.go"), Billed("log-metric-filter")
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Row(
        Role.ALARM, _by("name", "cloudwatch/metric_alarm.go"), Billed("metric-alarm")
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Row(
        Role.ALARM, _by("alarmName", "cloudwatch/composite_alarm.go"), Billed("composite-alarm")
    ),
    "aws:cloudwatch/eventRule:EventRule": Row(
        Role.ALARM, _by("name namePrefix eventBusName", "events/rule.go"), _EVENTS
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Row(
        Role.ALARM, _by("rule targetId eventBusName", "events/target.go"), _EVENTS
    ),
    DASHBOARD: Row(
        Role.DASHBOARD, _by("dashboardName", "cloudwatch/dashboard.go"), Billed("cloudwatch-dashboard")
    ),
    "aws:sns/topic:Topic": Row(
        Role.ALARM,
        _by("name namePrefix fifoTopic", "sns/topic.go"),
        NoCharge("SNS sends a thousand e-mails a month without a charge"),
    ),
    "aws:sns/topicPolicy:TopicPolicy": Row(Role.ALARM, _by("arn", "sns/topic_policy.go"), PERMISSION),
    "aws:sns/topicSubscription:TopicSubscription": Row(
        Role.ALARM,
        _by("topic protocol endpoint", "sns/topic_subscription.go"),
        NoCharge("billed with its topic"),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Row(
        Role.NETWORK,
        _by("vpcId", "ec2/vpc_default_security_group.go"),
        WIRING,
        opens=openness.by_security_group,
    ),
    "aws:ec2/internetGateway:InternetGateway": _wiring("", "ec2/vpc_internet_gateway.go"),
    "aws:ec2/natGateway:NatGateway": Row(Role.NETWORK, None, Billed("nat-gateway")),
    "aws:ec2/route:Route": _wiring(
        "routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
        "ec2/vpc_route.go",
    ),
    "aws:ec2/routeTable:RouteTable": _wiring("vpcId", "ec2/vpc_route_table.go"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _wiring(
        "subnetId gatewayId", "ec2/vpc_route_table_association.go"
    ),
    "aws:ec2/securityGroup:SecurityGroup": Row(
        Role.NETWORK,
        _by("name namePrefix description vpcId", "ec2/vpc_security_group.go"),
        WIRING,
        opens=openness.by_security_group,
    ),
    "aws:ec2/subnet:Subnet": _wiring(
        "vpcId cidrBlock availabilityZone availabilityZoneId ipv6Native outpostArn", "ec2/vpc_subnet.go"
    ),
    "aws:ec2/vpc:Vpc": _wiring("cidrBlock ipv4IpamPoolId ipv4NetmaskLength", "ec2/vpc_.go"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Row(
        Role.NETWORK,
        _by("serviceName vpcEndpointType vpcId serviceRegion", "ec2/vpc_endpoint.go"),
        Billed("vpc-endpoint"),
    ),
    "aws:ec2/securityGroupRule:SecurityGroupRule": Row(Role.NETWORK, None, WIRING, opens=None),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Row(
        Role.NETWORK,
        _by("securityGroupId", "ec2/vpc_security_group_ingress_rule.go"),
        WIRING,
        opens=openness.by_ingress_rule,
        is_entry=True,
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Row(
        Role.NETWORK,
        _by("securityGroupId", "ec2/vpc_security_group_egress_rule.go"),
        WIRING,
        is_entry=True,
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Row(
        Role.STORAGE,
        _by("repository policy", "ecr/lifecycle_policy.go"),
        NoCharge("a rule of the registry"),
    ),
    ECR_REPOSITORY: Row(
        Role.STORAGE,
        _by("name encryptionConfigurations", "ecr/repository.go"),
        Billed("ecr-repository"),
        holds=True,
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": Row(Role.GRANT, None, PERMISSION),
    "aws:ecs/cluster:Cluster": Row(Role.CLUSTER, _by("name", "ecs/cluster.go"), Billed("ecs-cluster")),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Row(
        Role.SCALING, _by("clusterName", "ecs/cluster_capacity_providers.go"), WITH_SERVICE
    ),
    ECS_SERVICE: Row(
        Role.SERVICE,
        _by("cluster iamRole launchType name schedulingStrategy deploymentController.type", "ecs/service.go"),
        Billed("ecs-service"),
        rolls_on=("taskDefinition",),
    ),
    TASK_DEFINITION: Row(
        Role.REVISION,
        Replacement.by(
            "skipDestroy trackLatest tags tagsAll", f"{_SOURCE}ecs/task_definition.go", everything=True
        ),
        WITH_SERVICE,
        containers=containers.of_task,
        document=UnknownText("containerDefinitions", _OF_CONTAINERS),
    ),
    "aws:iam/role:Role": Row(
        Role.IDENTITY,
        Replacement.by("name namePrefix path", f"{_SOURCE}iam/role.go"),
        PERMISSION,
    ),
    "aws:iam/rolePolicy:RolePolicy": Row(
        Role.ROLE_POLICY,
        Replacement.by("name namePrefix role", f"{_SOURCE}iam/role_policy.go"),
        Billed("role-policy"),
    ),
    "aws:iam/policy:Policy": Row(Role.ROLE_POLICY, None, PERMISSION),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Row(Role.ROLE_POLICY, None, PERMISSION),
    LISTENER: Row(Role.NETWORK, _by("loadBalancerArn", "elbv2/listener.go"), _WITH_BALANCER),
    "aws:lb/listenerRule:ListenerRule": Row(
        Role.NETWORK, _by("listenerArn", "elbv2/listener_rule.go"), _WITH_BALANCER
    ),
    "aws:lb/loadBalancer:LoadBalancer": Row(
        Role.NETWORK,
        _by("name namePrefix internal loadBalancerType customerOwnedIpv4Pool", "elbv2/load_balancer.go"),
        Billed("load-balancer"),
        protection=Protection("enableDeletionProtection"),
        reachable=openness.by_public_addresses,
    ),
    TARGET_GROUP: Row(
        Role.NETWORK,
        _by(
            "name namePrefix port protocol protocolVersion targetType vpcId ipAddressType",
            "elbv2/target_group.go",
        ),
        _WITH_BALANCER,
    ),
    DATABASE: Row(
        Role.STORAGE,
        _by(
            "availabilityZone backupTarget characterSetName customIamInstanceProfile dbName engine "
            "identifier identifierPrefix kmsKeyId ncharCharacterSetName restoreToPointInTime "
            "snapshotIdentifier storageEncrypted timezone username",
            "rds/instance.go",
        ),
        Billed("rds-instance"),
        protection=Protection("deletionProtection"),
        reachable=openness.by_public_instance,
        holds=True,
    ),
    "aws:rds/parameterGroup:ParameterGroup": Row(
        Role.CONFIGURATION,
        _by("name namePrefix family description", "rds/parameter_group.go"),
        _WITH_DATABASE,
    ),
    "aws:rds/subnetGroup:SubnetGroup": Row(
        Role.NETWORK, _by("name namePrefix", "rds/subnet_group.go"), _WITH_DATABASE
    ),
    "aws:s3/bucket:Bucket": Row(Role.STORAGE, None, None, holds=True),
    "aws:secretsmanager/secret:Secret": Row(
        Role.SECRET,
        _by("name namePrefix", "secretsmanager/secret.go"),
        Billed("secrets-manager-secret"),
        holds=True,
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Row(
        Role.SECRET_VERSION,
        _by("secretId secretString secretBinary", "secretsmanager/secret_version.go"),
        NoCharge("billed with its secret"),
    ),
}


def is_of_workers(resource: Resource) -> bool:
    """Return whether the tasks of an ECS service work on jobs: components/fargate/names.py."""
    named = str(resource.inputs.get("name", "")).endswith("-workers")
    return resource.type == ECS_SERVICE and named and not items_at(resource.inputs, "loadBalancers")
