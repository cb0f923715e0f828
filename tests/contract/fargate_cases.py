"""Services that Fargate runs, and for each rule arguments of one that it would not."""

from typing import Any

from slipway.components.fargate import Architecture, Balancing, ContainerInsights, Egress
from slipway.components.observability.args import Observability

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/slipway@sha256:" + "a" * 64
KEY = "a-key-of-enough-characters"
_ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
CLUSTER = _ARN.format("ecs", "cluster/shared")
CERTIFICATE = _ARN.format("acm", "certificate/12345678-1234-1234-1234-123456789012")
LISTENER = _ARN.format("elasticloadbalancing", "listener/app/shared/0123456789abcdef/fedcba9876543210")
ROLE = "arn:aws:iam::123456789012:role/inference"
VERSION = "c3d4e5f6-0000-4000-8000-1234567890ab"
SECRET = _ARN.format("secretsmanager", "secret:team/database-Ab12Cd")
REFERENCE = f"{SECRET}:::{VERSION}"

PLAIN: dict[str, Any] = {"model": "bundled:sms-spam", "image_ref": IMAGE, "region": "eu-west-1"}
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
EXISTING: dict[str, Any] = {"vpc_id": "vpc-0123456789abcdef0", "subnet_ids": SUBNETS}
SHARED: dict[str, Any] = {
    **EXISTING,
    "listener_arn": LISTENER,
    "listener_security_group_id": "sg-0123456789abcdef0",
    "domain": "api.example.com",
}
SECURE: dict[str, Any] = {"domain": "api.example.com", "certificate_arn": CERTIFICATE}
MORNING: dict[str, Any] = {
    "name": "morning",
    "schedule": "cron(0 8 ? * MON-FRI *)",
    "timezone": "Europe/Berlin",
    "min_replicas": 4,
    "max_replicas": 20,
}
ELSEWHERE = "ghcr.io/acme/slipway@sha256:" + "a" * 64

RIGHT: dict[str, dict[str, Any]] = {
    "defaults": {},
    "floats, as other languages send them": {
        "cpu": 2.0,
        "memory_gib": 4.0,
        "max_replicas": 5.0,
        "port": 9000.0,
        "ephemeral_storage_gib": 30.0,
        "log_retention_days": 7.0,
        "spot_percent": 50.0,
        "on_demand_base": 2.0,
    },
    "the smallest": {"cpu": 0.25, "memory_gib": 0.5},
    "the largest": {"cpu": 16, "memory_gib": 120, "ephemeral_storage_gib": 200},
    "eight cpu": {"cpu": 8, "memory_gib": 20},
    "Arm": {"architecture": Architecture.ARM64},
    "an enum by its value": {"architecture": "ARM64"},
    "one task, always": {"min_replicas": 1, "max_replicas": 1},
    "an hour a request": {"request_timeout_seconds": 3600},
    "a fraction of a second": {"request_timeout_seconds": 2.5},
    "a slow model": {"load_seconds": 900},
    "half on Spot": {"spot_percent": 50, "on_demand_base": 2},
    "all on Spot": {"spot_percent": 100, "on_demand_base": 0},
    "all but one on Spot": {"spot_percent": 100},
    "slow start": {"slow_start_seconds": 30},
    "slow start, said": {"slow_start_seconds": 900, "balancing": Balancing.ROUND_ROBIN},
    "scaled by requests that somebody knows": {"requests_per_replica": 12.5},
    "scaled by requests": {"request_seconds": 0.05, "concurrency": 16, "cpu_target_percent": 70},
    "scaled by the clock": {"schedules": [MORNING, {**MORNING, "name": "once", "schedule": "rate(1 day)"}]},
    "at a time": {"schedules": [{**MORNING, "schedule": "at(2027-01-31T08:00:00)", "max_replicas": 4}]},
    "environment": {"env": {"LOG_LEVEL": "debug", "INFERENCE_THREADS": "3", "EMPTY": ""}},
    "secrets": {
        "api_key": KEY,
        "secret_values": {"HF_TOKEN": "hush"},
        "secrets": {"DATABASE": REFERENCE, "USER": f"{SECRET}:user::{VERSION}"},
    },
    "labels": {"labels": {"Team": "search", "cost-center": "42 a"}},
    "public": {"public": True},
    "a network that may call": {"allowed_cidrs": ["203.0.113.0/24", "198.51.100.7/32"]},
    "HTTPS": {**SECURE, "public": True},
    "HTTPS for a network": {**SECURE, "allowed_cidrs": ["203.0.113.0/24"]},
    "networks of IPv6": {
        **EXISTING,
        "dual_stack": True,
        "allowed_cidrs": ["2001:db8::/32", "203.0.113.0/24"],
    },
    "public by IPv6": {**EXISTING, "dual_stack": True, "public": True},
    "inside only": {"internal": True, "allowed_cidrs": ["10.0.0.0/8"]},
    "three zones": {"zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"], "vpc_cidr": "172.20.0.0/22"},
    "endpoints": {"egress": Egress.ENDPOINTS},
    "an existing network": EXISTING,
    "private subnets": {**EXISTING, "task_subnet_ids": ["subnet-0123456789abcdef2", "subnet-0a1b2c3d"]},
    "an existing cluster": {"cluster_arn": CLUSTER},
    "an existing listener": SHARED,
    "paths of it": {**SHARED, "listener_paths": ["/predict", "/v2/*"], "listener_priority": 50},
    "existing roles": {"execution_role_arn": ROLE, "task_role_arn": ROLE},
    "a model in S3": {"model": "s3://models/spam/v2@3sL4kqtJlcpXroDTDmJ", "memory_gib": 4},
    "a model in Cloud Storage": {"model": "gs://models/spam@1763721600000000"},
    "a model in the image": {"model": "hf:distilbert/distilbert-base-uncased"},
    "an image from elsewhere": {"image_ref": ELSEWHERE},
    "insights": {"container_insights": ContainerInsights.ENHANCED},
    "not watched": {"observability": Observability.OFF},
    "watched, with an address": {
        "alert_email": "oncall@example.com",
        "objective": {"availability": 99.9, "seconds": 0.25},
        "thresholds": {"memory": {"page": 0.9}, "cpu-use": {"ticket": 0.8}},
        "labels": {"Team": "search"},
    },
    "watched in full": {
        "observability": Observability.FULL,
        "alert_email": "oncall@example.com",
        "runbooks_url": "https://docs.example.com/runbooks",
    },
    "watched behind a shared balancer": {**SHARED, "alert_email": "oncall@example.com"},
    "nothing protected": {"deletion_protection": False, "log_retention_days": 1},
    "rolling, with the second group": {"rollout": "rolling", "request_seconds": 0.05},
    "a canary": {"rollout": "canary", "request_seconds": 0.05},
    "a canary of numbers from elsewhere": {
        **SECURE,
        "rollout": "canary",
        "canary_percent": 2.5,
        "bake_minutes": 1440.0,
        "rollback_on": ["availability", "alarm:api-latency"],
    },
    "blue-green": {"rollout": "blue-green", "observability": "off", "rollback_on": ["alarm:api-errors"]},
    "None is not given": {"gpu": None, "cpu": None, "vpc_id": None},
}

# Arguments, and what the refusal must say: what it got, what is allowed, the nearest choice.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"rollout": "linear"}, r"rollout is 'linear'; allowed are rolling, canary, blue-green\."),
    (
        {"rollout": "canary", "observability": Observability.OFF},
        r"rollback_on is empty with `rollout` canary and `observability` off; ECS's circuit breaker is for",
    ),
    (
        {"rollout": "canary", "observability": Observability.OFF, "rollback_on": ["latency"]},
        r"rollback_on has 'latency'; allowed are no signal, without their alarms, and alarm:<name",
    ),
    (
        {"rollout": "canary", "rollback_on": ["ready"]},
        r"rollback_on has 'ready'; allowed are the signals availability, latency.*, and alarm:<name",
    ),
    (
        {"rollout": "canary", "bake_minutes": 5},
        r"bake_minutes is 5; the alarm of availability takes 10 minutes .*; nearest: 15\.",
    ),
    (
        {**SHARED, "rollout": "blue-green"},
        r"rollout is blue-green with `listener_arn`; .*leave `listener_arn` out, or take rolling\.",
    ),
    (
        {"rollout": "canary", "bake_minutes": 20.4},
        r"bake_minutes is 20\.4; ECS counts whole minutes, 1 to 1440; nearest: 20\.",
    ),
    (
        {"rollout": "canary", "canary_percent": 100},
        r"canary_percent is 100; it must be above 0 and below 100",
    ),
    (
        {"rollout": "canary", "canary_percent": 0.04},
        r"canary_percent is 0\.04; ECS moves tenths of a percent; nearest: 0\.1\.",
    ),
    ({"rollout": "canary", "canary_percent": 2.56}, r"canary_percent is 2\.56; ECS moves .*nearest: 2\.6\."),
    (
        {"rollout": "blue-green", "requests_per_replica": 3},
        r"requests_per_replica is 3 with `rollout` blue-green, which moves requests between two target",
    ),
    ({"rollout": "canary", "rollback_on": ["alarm:a,b"]}, r"rollback_on has 'alarm:a,b'; .*no comma\."),
    (
        {"rollout": "canary", "rollback_on": ["latency", "latency"]},
        r"rollback_on has duplicates; name each once\.",
    ),
    ({"rollback_on": ["latency"]}, r"rollback_on has latency with `rollout` rolling.*watches nothing"),
    ({"canary_percent": 5}, r"canary_percent is 5 with `rollout` rolling; use `rollout` canary"),
    (
        {"memory_gib": 12},
        r"memory_gib is 12 with `cpu` 1; Fargate has no 1 vCPU with 12 GiB; "
        r"nearest: 1 vCPU with 8 GiB, 2 vCPU with 12 GiB\.",
    ),
    (
        {"cpu": 3, "memory_gib": 12},
        r"cpu is 3 with `memory_gib` 12 GiB; Fargate has no 3 vCPU with 12 GiB; "
        r"nearest: 2 vCPU with 12 GiB, 4 vCPU with 12 GiB\.",
    ),
    ({"cpu": 4, "memory_gib": 1}, r"nearest: 0\.5 vCPU with 1 GiB, 4 vCPU with 8 GiB\."),
    ({"memory_gib": 2.5}, r"no 1 vCPU with 2\.5 GiB; nearest: 1 vCPU with 2 GiB, 1 vCPU with 3 GiB\."),
    ({"cpu": 8, "memory_gib": 18}, r"nearest: 8 vCPU with 16 GiB, 8 vCPU with 20 GiB\."),
    ({"cpu": 32, "memory_gib": 244}, r"no 32 vCPU with 244 GiB; nearest: 16 vCPU with 120 GiB\."),
    ({"cpu": 0.1, "memory_gib": 0.5}, r"no 0\.1 vCPU with 0\.5 GiB; nearest: 0\.25 vCPU with 0\.5 GiB\."),
    ({"cpu": -1}, r"cpu is -1; it must be above 0"),
    ({"cpu": float("nan")}, r"cpu is nan; it must be above 0"),
    ({"memory_gib": float("inf")}, r"memory_gib is inf"),
    ({"gpu": "nvidia-l4"}, r"gpu is 'nvidia-l4'; Fargate has no GPU: take GKE, or Cloud Run for nvidia-l4"),
    ({"gpu_count": 1}, r"gpu_count is 1, but no `gpu` is named"),
    (
        {"min_replicas": 0},
        r"min_replicas is 0; .*does not scale to zero.*Cloud Run, which scales to zero; nearest: 1\.",
    ),
    ({"min_replicas": 4, "max_replicas": 2}, r"max_replicas is 2, below `min_replicas` 4"),
    (
        {"ephemeral_storage_gib": 500},
        r"ephemeral_storage_gib is 500; .*20 GiB and allows 21 to 200, whole GiB; nearest: 200\.",
    ),
    ({"ephemeral_storage_gib": 5}, r"ephemeral_storage_gib is 5; .*nearest: 20\."),
    ({"ephemeral_storage_gib": 20.5}, r"ephemeral_storage_gib is 20\.5; .*nearest: 21\."),
    ({"spot_percent": 150}, r"spot_percent is 150; it must be a whole number from 0 to 100\."),
    ({"spot_percent": -1}, r"spot_percent is -1"),
    ({"spot_percent": 0.5}, r"spot_percent is 0\.5; it must be a whole number"),
    ({"on_demand_base": 100_001}, r"on_demand_base is 100001; .*from 0 to 100000\."),
    ({"cpu_target_percent": 100}, r"cpu_target_percent is 100; it must be a whole number from 10 to 90\."),
    (
        {"requests_per_replica": 0},
        r"requests_per_replica is 0; it must be from 0\.02 to 1000000 requests a",
    ),
    (
        {"requests_per_replica": 3, "request_seconds": 1},
        r"requests_per_replica is 3 with `request_seconds`; keep one of them",
    ),
    ({"request_seconds": 0}, r"request_seconds is 0; it must be above 0 and at most 3600\."),
    ({"schedules": [{**MORNING, "name": "Morning!"}]}, r"schedules has 'Morning!'; a name has 1 to 40"),
    ({"schedules": [MORNING, MORNING]}, r"schedules has 2 of the name 'morning'"),
    (
        {"schedules": [{**MORNING, "schedule": "0 8 * * *"}]},
        r"schedules has 'morning' with the schedule '0 8 \* \* \*'; allowed are cron",
    ),
    ({"schedules": [{**MORNING, "schedule": "rate(1 days)"}]}, r"with the schedule 'rate\(1 days\)'"),
    ({"schedules": [{**MORNING, "timezone": "Berlin"}]}, r"has 'morning' with the time zone 'Berlin'"),
    (
        {"schedules": [{**MORNING, "min_replicas": 30}]},
        r"schedules has 'morning' with a minimum of 30 and a maximum of 20 instances; they must be",
    ),
    ({"schedules": [{**MORNING, "zone": "UTC"}]}, r"schedules\[0\]\.zone is no argument here"),
    ({"schedules": [{"name": "x"}]}, r"schedules\[0\]\.max_replicas is missing"),
    ({"schedules": ["morning"]}, r"schedules\[0\] is of type str; it must be a map"),
    ({"log_retention_days": 31}, r"log_retention_days is 31; CloudWatch allows 0, 1, 3, .*nearest: 30\."),
    ({"region": ""}, r"region is missing; give the name of a region, such as eu-west-1\."),
    ({"region": None}, r"region is missing"),
    ({"region": "Ireland"}, r"region is 'Ireland'; allowed is the name of a region, such as eu-west-1\."),
    ({"image_ref": ""}, r"image_ref is missing"),
    ({"image_ref": "acme/slipway:latest"}, r"image_ref is 'acme/slipway:latest'; it must have its digest"),
    ({"model": ""}, r"model is missing"),
    ({"model": "models/mine"}, r"model is 'models/mine'; Fargate takes bundled:<name>, file:<folder>"),
    (
        {"model": "s3://models/spam"},
        r"model is .* without a version.*aws s3api head-object --bucket models --key spam/manifest\.json",
    ),
    ({"model": "s3://models/spam@null"}, r"model is 's3://models/spam@null'; Fargate takes"),
    ({"model": "gs://models/spam"}, r"model is 'gs://models/spam'; Fargate takes"),
    (
        {"model": "gs://models/spam@1", "egress": Egress.ENDPOINTS},
        r"egress is endpoints with `model` .*Google cannot be reached",
    ),
    (
        {
            "secrets": {"TOKEN": "arn:aws:ssm:us-east-1:123456789012:parameter/team/token"},
            "egress": Egress.ENDPOINTS,
        },
        r"egress is endpoints with `secrets` TOKEN, which is in us-east-1; from there only eu-west-1",
    ),
    (
        {"image_ref": ELSEWHERE, "egress": Egress.ENDPOINTS},
        r"egress is endpoints with `image_ref` .*ECR of eu-west-1",
    ),
    ({"port": 80}, r"port is 80; the server is not root and opens 1024 to 65535; nearest: 8080\."),
    ({"port": 70000}, r"port is 70000; it must be from 1 to 65535; nearest: 65535\."),
    (
        {"env": {"AWS_EXECUTION_ENV": "x"}},
        r"env has AWS_EXECUTION_ENV, which ECS itself sets; choose another name\.",
    ),
    (
        {"secret_values": {"AWS_EXECUTION_ENV": "hush"}},
        r"secret_values has AWS_EXECUTION_ENV, which ECS itself sets",
    ),
    ({"env": {"PORT": "80"}}, r"env has PORT, which the service itself sets"),
    (
        {"env": {"BIG": "x" * 57_342}},
        r"env has 57345 bytes together; a task definition holds 65536 bytes, of which 57344 are left for it",
    ),
    ({"env": {"1st": "x"}}, r"env has '1st', which is no environment name"),
    ({"env": {"AUTH_TOKEN": "hush"}}, r"env has AUTH_TOKEN, which looks like a secret .*put it into `secret"),
    ({"env": {"A": "x"}, "secrets": {"A": REFERENCE}}, r"env has A, which `secrets` has too; keep one\."),
    (
        {"env": {"A": "x"}, "secret_values": {"A": "hush"}},
        r"secret_values has A, which `env` has too; keep one\.",
    ),
    ({"secret_values": {"a-b": "hush"}}, r"secret_values has 'a-b', which is no environment name"),
    (
        {"secret_values": {"MODEL_API_KEY": "hush"}},
        r"secret_values has MODEL_API_KEY, which the service itself sets; give it as `api_key`",
    ),
    (
        {"secret_values": {"HOST": "hush"}},
        r"secret_values has HOST, which the service itself sets; leave it out\.",
    ),
    (
        {"secret_values": {"A" * 509: "hush"}},
        r"secret_values has A+, a name of 509 characters; with the service's name .*allows 512 characters\.",
    ),
    (
        {"secrets": {"A": f"{SECRET}:::newest"}},
        r"secrets has A, which is no reference .*its version is none.*list-secret-version-ids",
    ),
    (
        {"secrets": {"A": f"{SECRET}::AWSCURRENT:{VERSION}"}},
        r"secrets has A, which is no reference .*it must be arn:aws:secretsmanager",
    ),
    ({"secrets": {"A": "hush-hush"}}, r"A, which is no reference \(its value is not shown\)"),
    (
        {"labels": {"aws:team": "x"}},
        r"labels has 'aws:team': 'x'; as a tag of AWS .* does not begin with aws:\.",
    ),
    ({"labels": {"team": "x" * 257}}, r"labels has 'team': 'x+'; as a tag"),
    (
        {"labels": {f"a{i}": "" for i in range(51)}},
        r"labels has 51 labels next to Name of the component's own; as tags AWS allows 50\.",
    ),
    (
        {**EXISTING, "labels": {f"a{i}": "" for i in range(51)}},
        r"labels has 51 labels; as tags AWS allows 50\.",
    ),
    ({"api_key": "short"}, r"api_key has 5 characters \(they are not shown\); allowed are 16 to 4096"),
    (
        {"task_role_arn": "inference"},
        r"task_role_arn is 'inference'; it must be arn:aws:iam::<account>:role/<name>\.",
    ),
    ({"execution_role_arn": f"{ROLE[:-19]}user/ada"}, r"execution_role_arn is .*role/<name>\."),
    (
        {"cluster_arn": "shared"},
        r"cluster_arn is 'shared'; it must be arn:aws:ecs:<region>:<account>:cluster/<name>\.",
    ),
    (
        {"cluster_arn": CLUSTER.replace("eu-west-1", "us-east-1")},
        r"cluster_arn is .*, in us-east-1; it must be in eu-west-1, the `region` of the service\.",
    ),
    ({"certificate_arn": CERTIFICATE}, r"certificate_arn is given without `domain`"),
    ({"domain": "api.example.com"}, r"domain is api\.example\.com without `certificate_arn`; .*in eu-west-1"),
    ({**SECURE, "domain": "https://api.example.com"}, r"domain is 'https://api\.example\.com'; allowed is"),
    ({**SECURE, "certificate_arn": "my-cert"}, r"certificate_arn is 'my-cert'; it must be arn:aws:acm"),
    ({"zones": ["eu-west-1a"]}, r"zones is eu-west-1a; it must name 2 to 6 different ones"),
    (
        {"zones": ["eu-west-1a", "eu-west-1a"]},
        r"zones is eu-west-1a, eu-west-1a; it must name 2 to 6 different",
    ),
    (
        {"zones": ["eu-west-1a", "us-east-1b"]},
        r"zones has 'us-east-1b'; a zone of eu-west-1 is eu-west-1 and a letter from a to h\.",
    ),
    ({"vpc_cidr": "10.0.0.0/28"}, r"vpc_cidr is '10\.0\.0\.0/28'; .*of /16 to /22"),
    ({"vpc_cidr": "8.8.0.0/16"}, r"vpc_cidr is '8\.8\.0\.0/16'; it must be a private IPv4 network"),
    ({"vpc_cidr": "10.0.0.1/16"}, r"vpc_cidr is '10\.0\.0\.1/16'"),
    ({"subnet_ids": SUBNETS}, r"subnet_ids is given without `vpc_id`; give both or neither\."),
    ({"vpc_id": EXISTING["vpc_id"]}, r"subnet_ids has 0 subnets; it must have 2 different ones or more"),
    ({**EXISTING, "subnet_ids": SUBNETS[:1]}, r"subnet_ids has 1 subnet; it must have 2"),
    ({**EXISTING, "subnet_ids": SUBNETS[:1] * 2}, r"subnet_ids has 2 subnets, including duplicates"),
    (
        {**EXISTING, "subnet_ids": [f"subnet-{i:017x}" for i in range(17)]},
        r"subnet_ids has 17 .*ECS allows 16",
    ),
    (
        {**EXISTING, "subnet_ids": ["main", "other"]},
        r"subnet_ids has 'main'; it must be subnet-<17 hex digits>\.",
    ),
    (
        {**EXISTING, "task_subnet_ids": [*SUBNETS[:1]] * 2},
        r"task_subnet_ids has 2 subnets, including duplicates",
    ),
    ({**EXISTING, "vpc_id": "main"}, r"vpc_id is 'main'; it must be vpc-<17 hex digits>\."),
    (
        {**EXISTING, "zones": ["eu-west-1a", "eu-west-1b"]},
        r"zones is given with `vpc_id`, which is its owner's",
    ),
    (
        {"allowed_cidrs": ["203.0.113.7/24"]},
        r"allowed_cidrs has '203\.0\.113\.7/24'; .*nearest: 203\.0\.113\.0/24\.",
    ),
    (
        {"allowed_cidrs": ["203.0.113.7"]},
        r"allowed_cidrs has '203\.0\.113\.7'; .*nearest: 203\.0\.113\.7/32\.",
    ),
    ({"allowed_cidrs": ["0.0.0.0/0"]}, r"allowed_cidrs has 0\.0\.0\.0/0, which is everyone; say `public`"),
    (
        {"allowed_cidrs": ["2001:db8::/32"]},
        r"allowed_cidrs has '2001:db8::/32'; .* IPv6 addresses only with `dual_stack`",
    ),
    ({"dual_stack": True}, r"dual_stack is given without `vpc_id`; give both or neither"),
    ({**SHARED, "dual_stack": True}, r"dual_stack is given with `listener_arn`"),
    (
        {**EXISTING, "dual_stack": True, "allowed_cidrs": ["2001:db8::1/32"]},
        r"allowed_cidrs has '2001:db8::1/32'; allowed are networks of IPv4 and IPv6",
    ),
    ({"allowed_cidrs": ["10.0.0.0/8"], "public": True}, r"allowed_cidrs is given while `public` is true"),
    ({**SHARED, "public": True}, r"public is true with `listener_arn`"),
    ({**SHARED, "allowed_cidrs": ["10.0.0.0/8"]}, r"allowed_cidrs is given with `listener_arn`"),
    ({**SHARED, "domain": ""}, r"listener_arn is given without `domain`"),
    (
        {**SHARED, "listener_security_group_id": None},
        r"listener_arn is given without `listener_security_group_id`",
    ),
    (
        {**SHARED, "listener_security_group_id": "main"},
        r"listener_security_group_id is 'main'; it must be sg-",
    ),
    ({**SHARED, "vpc_id": None, "subnet_ids": None}, r"listener_arn is given without `vpc_id`"),
    (
        {**SHARED, "listener_arn": LISTENER.replace("app", "net")},
        r"listener_arn is .*; it must be arn:aws:elastic",
    ),
    ({**SHARED, "listener_paths": ["predict"]}, r"listener_paths has 'predict'; allowed is /"),
    (
        {**SHARED, "listener_paths": [f"/{i}" for i in range(5)]},
        r"listener_paths has 5 paths; in addition to the domain a rule holds 4\.",
    ),
    (
        {**SHARED, "listener_priority": 0},
        r"listener_priority is 0; it must be a whole number from 1 to 50000\.",
    ),
    ({"listener_paths": ["/x"]}, r"listener_paths is given without `listener_arn`"),
    (
        {"idle_timeout_seconds": 30},
        r"idle_timeout_seconds is 30, below `request_timeout_seconds` 60; .*nearest: 60\.",
    ),
    (
        {"idle_timeout_seconds": 5000},
        r"idle_timeout_seconds is 5000; it must be a whole number from 1 to 4000\.",
    ),
    ({"request_timeout_seconds": 5000}, r"request_timeout_seconds is 5000; it must be from"),
    (
        {"slow_start_seconds": 10},
        r"slow_start_seconds is 10; it must be 0, or .*from 30 to 900; nearest: 30\.",
    ),
    (
        {"slow_start_seconds": 60, "balancing": Balancing.LEAST_OUTSTANDING_REQUESTS},
        r"slow_start_seconds is 60 with `balancing` least_outstanding_requests; .* needs round_robin",
    ),
    ({"load_seconds": float("nan")}, r"load_seconds is nan"),
    ({"architecture": "arm64"}, r"architecture is 'arm64'; allowed are X86_64, ARM64\."),
    ({"concurrency": 0}, r"concurrency is 0; it must be 1 or more; nearest: 1\."),
    ({"memory_gb": 4}, r"memory_gb is no argument here; did you mean memory_gib\?"),
    ({"cpu": "2"}, r"cpu is of type str; it must be a number\."),
    ({"zones": "eu-west-1a"}, r"zones is of type str; it must be a list\."),
]
