"""The limits of ECS on Fargate and its load balancer, each with its source. Memory in MiB, times in seconds.

Collected on 2026-11-21. BC: botocore 1.44.5, the documentation in its service models. PAWS: pulumi-aws
7.51.1. DOCS: docs.aws.amazon.com. The memory of each vCPU count is in components/sizes.py.
"""

import re

# DOCS AmazonECS/latest/developerguide/fargate-tasks-services: 20 GiB are included.
STORAGE_INCLUDED_GIB = 20
# BC ecs EphemeralStorage.sizeInGiB
STORAGE_GIB = range(21, 200 + 1)
# BC ecs ContainerDefinition.stopTimeout
STOP_SECONDS = 120
# BC ecs HealthCheck
HEALTH_INTERVAL_SECONDS = range(5, 300 + 1)
HEALTH_TIMEOUT_SECONDS = range(2, 60 + 1)
HEALTH_RETRIES = range(1, 10 + 1)
HEALTH_START_SECONDS = range(300 + 1)
# BC ecs CapacityProviderStrategyItem
BASE = 100_000
# DOCS AmazonECS/latest/developerguide/service-quotas: a task definition, in bytes; what surrounds the
# environment in it takes less than 8 KiB.
TASK_DEFINITION_BYTES = 65536
AROUND_ENVIRONMENT_BYTES = 8192
# DOCS AmazonECS/latest/developerguide/service-quotas: subnets of one awsvpc configuration.
SUBNETS = 16
# DOCS elasticloadbalancing/latest/application/application-load-balancers: subnets of two zones or more.
LEAST_ZONES = 2
# DOCS AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate, task-iam-roles: set by ECS itself.
RESERVED_NAMES = frozenset(
    {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_EXECUTION_ENV",
        "ECS_AGENT_URI",
        "ECS_CONTAINER_METADATA_URI",
        "ECS_CONTAINER_METADATA_URI_V4",
    }
)
# The server is not root, and such a process opens no lower port.
PORT_FROM = 1024
# BC elbv2 LoadBalancerAttribute, TargetGroupAttribute, CreateTargetGroup
IDLE_TIMEOUT_SECONDS = range(1, 4000 + 1)
DEREGISTRATION_SECONDS = range(3600 + 1)
SLOW_START_SECONDS = range(30, 900 + 1)
TARGET_INTERVAL_SECONDS = range(5, 300 + 1)
TARGET_TIMEOUT_SECONDS = range(2, 120 + 1)
TARGET_THRESHOLD = range(2, 10 + 1)
PRIORITY = range(1, 50_000 + 1)
# BC elbv2 RuleCondition.Values of path-pattern; five condition values a rule: DOCS load-balancer-limits.
PATH = re.compile(r"/[A-Za-z0-9_.$/~\"'@:+&*?-]{0,127}")
RULE_VALUES = 5
# BC elbv2 CreateLoadBalancer.Name, CreateTargetGroup.Name
BALANCER_NAME = re.compile(r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?")
BALANCER_NAME_CHARACTERS = 32
# DOCS IAM/latest/UserGuide/reference_iam-quotas
ROLE_NAME_CHARACTERS = 64
# BC logs PutRetentionPolicy.retentionInDays
# PAWS cloudwatch.LogGroup.retention_in_days: 0 for ever.
RETENTION_DAYS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# DOCS vpc/latest/userguide/vpc-cidr-blocks: /16 to /28; a subnet here is 16 times smaller, and the load
# balancer wants 8 free addresses in each: DOCS
# elasticloadbalancing/latest/application/application-load-balancers.
VPC_PREFIX = range(16, 22 + 1)
SUBNET_BITS = 4
# DOCS vpc/latest/userguide/amazon-vpc-limits: ingress rules of a security group, IPv4 and IPv6 each.
RULES = 60
# Two ranges, a public and a private one, for each of these zones; no region has more: DOCS
# global-infrastructure/latest/regions/aws-availability-zones.
ZONE_LETTERS = "abcdefgh"
ZONES = range(LEAST_ZONES, 6 + 1)
# docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones, and
# github.com/aws-samples/saas-reference-architecture-ecs#12: new accounts lack b in Tokyo and one of the three
# in Northern California.
LACKING_ZONES = frozenset({"ap-northeast-1", "us-west-1"})
VPC_ID = re.compile(r"vpc-[0-9a-f]{8,17}")
SUBNET_ID = re.compile(r"subnet-[0-9a-f]{8,17}")
PREFIX_LIST_ID = re.compile(r"pl-[0-9a-f]{8,17}")
SECURITY_GROUP_ID = re.compile(r"sg-[0-9a-f]{8,17}")
# DOCS elasticloadbalancing/latest/application/rule-condition-types: a host name has at most 128 characters.
DOMAIN_CHARACTERS = 128
SCHEDULE_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
# service/server.py keeps an idle connection open for this long; the load balancer must close it first, or it
# sends a request into a connection that is being closed, and answers 502.
KEEP_ALIVE_SECONDS = 620
# BC ecs DeploymentConfiguration.bakeTimeInMinutes, CanaryConfiguration.canaryBakeTimeInMinutes: 0 to 1440.
BAKE_MINUTES = range(1, 1440 + 1)
# BC ecs CanaryConfiguration.canaryPercent: multiples of 0.1, from 0.1 to 100.
LEAST_CANARY_PERCENT = 0.1
# The users' alarms take two of three periods of five minutes.
DEFAULT_BAKE_MINUTES = 15
# BC cloudwatch PutMetricAlarm.AlarmName; ecs DeploymentAlarms: a comma parts names.
ALARM_NAME_CHARACTERS = 255
ALARM_NAME = re.compile(r"[^,\0-\x1f]{1,255}")
