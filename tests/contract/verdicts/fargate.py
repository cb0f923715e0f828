"""What ECS on Fargate, its balancer and its network take and refuse."""

import json

from tests.contract.verdicts.rows import Rows, each, labels, sized


def arn(service: str, path: str, region: str = "eu-west-1") -> str:
    return f"arn:aws:{service}:{region}:123456789012:{path}"


_CERTIFICATE = arn("acm", "certificate/0a1b2c3d-0000-4000-8000-000000000000")
_HTTPS = {"domain": "api.example.com", "certificate": _CERTIFICATE}
_NETWORK = {"network": "vpc-0a1b2c3d", "subnets": '["subnet-0a1b2c3d", "subnet-1a2b3c4d"]'}
_SHARED = {
    **_NETWORK,
    "domain": "api.example.com",
    "listener": arn("elasticloadbalancing", "listener/app/shared/0a1b2c3d/1a2b3c4d"),
    "listenerSecurityGroup": "sg-0a1b2c3d",
}


def cidrs(count: int) -> str:
    return json.dumps([f"203.0.{number}.0/24" for number in range(count)])


TAKES: Rows = [
    (
        "BC ecs RegisterTaskDefinition.memory",
        sized(("0.25", "512Mi"), ("0.25", "2Gi"), ("0.5", "4Gi"), ("1", "8Gi"), ("2", "16Gi"), ("4", "30Gi"))
        + sized(("8", "60Gi"), ("16", "120Gi"), ("8", "20Gi"), ("16", "32Gi")),
    ),
    ("BC ecs EphemeralStorage, 20 GiB without one", each("ephemeralStorage", "20Gi", "21Gi", "200Gi")),
    ("BC logs PutRetentionPolicy.retentionInDays", each("logRetentionDays", "1", "30", "400", "3653")),
    ("PAWS cloudwatch.LogGroup.retention_in_days: 0 never expires", each("logRetentionDays", "0")),
    (
        "BC application-autoscaling PutScheduledAction.Schedule",
        each("schedule", '{"day": "cron(0 8 ? * MON-FRI *) 2-3"}', '{"often": "rate(1 hour) 1-3"}')
        + each("schedule", '{"once": "at(2090-01-01T00:00:00) 1-3"}', '{"q": "cron(0/15 * ? * * *) 1-3"}')
        + each("schedule", '{"night": "cron(0 22 ? * * *) 0-0"}', '{"m": "cron(0 8 1 * ? *) 1-3"}'),
    ),
    ("BC ecs CapacityProviderStrategyItem.weight", each("spotPercent", "0", "100")),
    ("BC ecs RuntimePlatform.cpuArchitecture", each("architecture", "x86_64", "arm64")),
    (
        "BC ec2 IpPermission: IPv4, IPv6, prefix lists and security groups",
        [
            {**_NETWORK, "ipv6": "true", "allowedCidrs": '["2001:db8::/32"]'},
            *each("allowedCidrs", '["203.0.113.0/24"]', '["pl-0123456789abcdef0"]'),
            *each("allowedCidrs", '["sg-0123456789abcdef0"]'),
        ],
    ),
    (
        "BC ecs Secret.valueFrom",
        [
            {"secrets": json.dumps({"TOKEN": arn("secretsmanager", "secret:token-AbCdEf")})},
            {"secrets": json.dumps({"TOKEN": arn("secretsmanager", "secret:token-AbCdEf::AWSCURRENT:")})},
            {"secrets": json.dumps({"TOKEN": arn("ssm", "parameter/token")})},
        ],
    ),
    ("RFC 5890: an A-label may be any label of a name", [{**_HTTPS, "domain": "xn--bcher-kva.example"}]),
    (
        "BC elbv2 Subnets: two for the balancer; tasks may have one",
        [{**_NETWORK, "taskSubnets": '["subnet-2a1b2c3d"]'}],
    ),
    (
        "BC elbv2 TagKey, TagValue: letters of any case, spaces, + - = . _ : / @",
        each("labels", '{"Team": "Search Team"}', '{"cost:center": "a/b@c"}', '{"équipe": "recherche"}'),
    ),
    (
        "botocore endpoints.json",
        [
            {"region": "eu-central-1"},
            {"region": "us-gov-west-1"},
            {"region": "ap-northeast-1", "zones": '["ap-northeast-1a", "ap-northeast-1c"]'},
            {"region": "ap-southeast-7", "zones": '["ap-southeast-7a", "ap-southeast-7b"]'},
        ],
    ),
    (
        "BC elbv2 RuleCondition path-pattern with * and ?; a rule's Priority",
        [
            {**_SHARED, "listenerPaths": '["/predict", "/v1/*"]'},
            {**_SHARED, "listenerPaths": '["/v?/models"]', "listenerPriority": "50000"},
        ],
    ),
    ("BC application-autoscaling TargetTracking TargetValue", each("cpuTarget", "10", "75")),
    ("BC ecr lifecycle policy countNumber", each("keepImages", "1", "100")),
    ("BC ecs ServiceName", each("name", "acme-api")),
    (
        "docs.aws.amazon.com eventbridge cron expressions: the last of February, and leap years",
        each("schedule", '{"a": "cron(0 8 29 2 ? *) 1-3"}', '{"a": "cron(0 8 L FEB ? *) 1-3"}'),
    ),
    ("half of all addresses is not everyone", each("allowedCidrs", '["0.0.0.0/1"]')),
    ("BC ec2: 49 tags next to the Name of a network's parts", each("labels", labels(49))),
    (
        "BC ecs ClusterSetting containerInsights",
        each("containerInsights", "enabled", "enhanced", "disabled"),
    ),
]
REFUSES: Rows = [
    (
        "BC ecs RegisterTaskDefinition.memory",
        sized(("0.25", "4Gi"), ("0.5", "512Mi"), ("1", "1Gi"), ("1", "9Gi"), ("2", "3Gi"), ("4", "32Gi"))
        + sized(("8", "18Gi"), ("16", "36Gi"), ("3", "8Gi")),
    ),
    ("BC ecs EphemeralStorage.sizeInGiB", each("ephemeralStorage", "10Gi", "201Gi")),
    ("docs fargate-tasks-services: no GPU", [{"gpu": "nvidia-l4"}]),
    ("BC logs PutRetentionPolicy.retentionInDays", each("logRetentionDays", "8", "3654")),
    (
        "BC application-autoscaling PutScheduledAction.Schedule: one day field is `?`",
        each("schedule", '{"a": "cron(0 8 * * * *) 1-3"}', '{"a": "cron(0 8 * * MON *) 1-3"}'),
    ),
    (
        "docs.aws.amazon.com eventbridge cron expressions: the values of each field",
        each("schedule", '{"a": "cron(0 25 ? * * *) 1-3"}', '{"a": "cron(61 8 ? * * *) 1-3"}')
        + each("schedule", '{"a": "cron(0 8 ? 13 * *) 1-3"}', '{"a": "cron(0 8 ? * * ) 1-3"}')
        + each("schedule", '{"a": "cron(0 8 32 * ? *) 1-3"}', '{"a": "rate(0 hours) 1-3"}')
        + each("schedule", '{"a": "at(2090-02-30T00:00:00) 1-3"}', '{"a": "at(2020-01-01T00:00:00) 1-3"}'),
    ),
    (
        "BC application-autoscaling ScalableTargetAction, Timezone",
        each("schedule", '{"a": "cron(0 8 ? * * *) 5-2"}', '{"a": "cron(0 8 ? * * *) 1-3 Mars/Phobos"}'),
    ),
    (
        "BC elbv2 Subnets: two zones of the region",
        each("zones", '["eu-west-1a"]', '["us-east-1a", "us-east-1b"]', '["eu-west-1a", "eu-west-1a"]'),
    ),
    ("botocore endpoints.json", each("region", "eu-west-9", "mars-central-1", "europe-west4")),
    (
        "aws-samples/saas-reference-architecture-ecs#12: zones a or b that many accounts lack",
        each("region", "ap-northeast-1", "us-west-1"),
    ),
    (
        "docs.aws.amazon.com vpc amazon-vpc-limits: 60 rules of a group, two ports with HTTPS",
        [{"allowedCidrs": cidrs(61)}, {"allowedCidrs": cidrs(40), **_HTTPS}],
    ),
    (
        "BC elbv2 IpAddressType: without dualstack no caller of IPv6",
        each("allowedCidrs", '["2001:db8::/32"]'),
    ),
    ("ec2 IpRange.CidrIp", each("allowedCidrs", '["203.0.113.0/33"]', '["somewhere"]')),
    (
        "BC elbv2 TagKey, TagValue; 50 tags of a resource",
        each("labels", labels(51), json.dumps({"a" * 129: "b"}), json.dumps({"a": "b" * 257}))
        + each("labels", '{"aws:team": "a"}'),
    ),
    (
        "BC elbv2 Certificate: of the listener's region",
        [
            {
                **_HTTPS,
                "certificate": arn("acm", "certificate/0a1b2c3d-0000-4000-8000-000000000000", "us-east-1"),
            }
        ],
    ),
    ("BC elbv2 Subnets: two", [{"network": "vpc-0a1b2c3d", "subnets": '["subnet-0a1b2c3d"]'}]),
    (
        "PAWS lb.ListenerRule: a rule has a condition",
        [{"listener": arn("elasticloadbalancing", "listener/app/a/1/2")}],
    ),
    ("BC ecs CapacityProviderStrategyItem.weight", each("spotPercent", "101")),
    (
        "BC ecs ClusterSetting: of a cluster that is made",
        [{"cluster": arn("ecs", "cluster/shared"), "containerInsights": "enabled"}],
    ),
    (
        "BC elbv2 RuleCondition: five values, 128 characters; Priority from 1 to 50000",
        [
            {**_SHARED, "listenerPaths": '["/a", "/b", "/c", "/d", "/e"]'},
            {**_SHARED, "listenerPaths": json.dumps(["/" + "a" * 128])},
            {**_SHARED, "listenerPaths": '["/a b"]'},
            {**_SHARED, "listenerPriority": "50001"},
            {"listenerPaths": '["/predict"]'},
        ],
    ),
    ("a CPU use is a percentage", each("cpuTarget", "0", "101")),
    ("BC ecs ServiceName", each("name", "acme_api", "ACME")),
    (
        "the calendar: no such date in any year",
        each("schedule", '{"a": "cron(0 8 30 2 ? *) 1-3"}', '{"a": "cron(0 8 31 4,6 ? *) 1-3"}'),
    ),
    ("together they are everyone", each("allowedCidrs", '["0.0.0.0/1", "128.0.0.0/1"]')),
    ("BC ec2: 50 tags next to the Name of a network's parts", each("labels", labels(50))),
    ("POSIX environment names", each("env", '{"1A": "b"}')),
    ("SERVER LOG_LEVEL", each("env", '{"LOG_LEVEL": "verbose"}')),
]
