"""Each rule, on what keeps it and on what breaks it."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from slipway.infra.cost.usage import Usage
from slipway.infra.errors import Failed
from slipway.infra.policy.judge import Violation, refuse_mandatory
from slipway.infra.policy.judge import judged as judgement_of
from slipway.infra.policy.levels import is_production
from slipway.infra.policy.rules import BUDGET, ON_RESOURCES
from slipway.infra.resources.aws import DATABASE
from slipway.infra.resources.google import SQL_INSTANCE
from slipway.infra.resources.kubernetes import SCALED_OBJECT
from slipway.infra.resources.reading import Resource
from slipway.stacks.settings.readers import RULES
from tests.infra.plain import DIGEST, cloud_run, cost, fargate, node_pool, plan, resource


@dataclass
class Choices:
    """As the settings of a stack say it."""

    policy: dict[str, str] = field(default_factory=dict[str, str])
    budget_usd: float | None = None
    is_public: bool = False


def broken(*resources: Resource, stack: str = "dev", choices: Choices | None = None) -> list[str]:
    return [one.rule for one in judged(*resources, stack=stack, choices=choices)]


def judged(*resources: Resource, stack: str = "dev", choices: Choices | None = None) -> list[Violation]:
    return judgement_of(stack, resources, choices or Choices(), cost(*resources, usage=Usage())).violations


def service(**container: Any) -> Resource:
    one = {
        "image": DIGEST,
        "ports": {"containerPort": 8080},
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "startupProbe": {"httpGet": {"path": "/ready"}},
        "envs": [{"name": "HOST", "value": "0.0.0.0"}],
    } | container
    kept = {name: value for name, value in one.items() if value is not None}
    inputs = {
        "location": "us-central1",
        "scaling": {"maxInstanceCount": 3},
        "deletionProtection": True,
        "template": {"containers": [kept]},
    }
    return resource("gcp:cloudrunv2/service:Service", inputs)


def deployment(**container: Any) -> Resource:
    one = {
        "name": "server",
        "image": DIGEST,
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/ready"}},
    } | container
    kept = {name: value for name, value in one.items() if value is not None}
    inputs = {"spec": {"template": {"spec": {"containers": [kept]}}}}
    return resource("kubernetes:apps/v1:Deployment", inputs)


def task(**container: Any) -> Resource:
    one = {
        "name": "server",
        "image": DIGEST,
        "portMappings": [{"containerPort": 8080}],
        "healthCheck": {"command": ["CMD"]},
    } | container
    kept = {name: value for name, value in one.items() if value is not None}
    inputs = {"memory": "2048", "containerDefinitions": json.dumps([kept])}
    return resource("aws:ecs/taskDefinition:TaskDefinition", inputs)


def database(**changed: Any) -> Resource:
    inputs = {"storageEncrypted": True, "backupRetentionPeriod": 7, "publiclyAccessible": False, **changed}
    return resource(DATABASE, inputs)


def cloud_sql(**changed: Any) -> Resource:
    settings: dict[str, Any] = {
        "tier": "db-g1-small",
        "edition": "ENTERPRISE",
        "connectorEnforcement": "REQUIRED",
        "ipConfiguration": {"ipv4Enabled": True, "sslMode": "ENCRYPTED_ONLY"},
        "backupConfiguration": {"enabled": True},
        **changed,
    }
    return resource(SQL_INSTANCE, {"region": "europe-west4", "settings": settings})


PRIVATE = {"ipv4Enabled": False, "privateNetwork": "inner", "sslMode": "ENCRYPTED_ONLY"}


def grant(member: str, role: str = "roles/run.invoker") -> Resource:
    type_ = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
    return resource(type_, {"member": member, "role": role})


def ingress_rule(cidr: str) -> Resource:
    inputs = {"cidrIpv4": cidr, "fromPort": 443}
    return resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", inputs)


def role_policy(*statements: dict[str, Any]) -> Resource:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return resource("aws:iam/rolePolicy:RolePolicy", {"policy": document})


def allow(action: object, place: str = "arn:aws:s3:::models/*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": place}


GPU_TAINT = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
SAFE_POOL = node_pool(spot=False, taints=GPU_TAINT)
LOG = "aws:cloudwatch/logGroup:LogGroup"
BALANCER = "kubernetes:core/v1:Service"
INTERNAL = {"networking.gke.io/load-balancer-type": "Internal"}

KEPT = {
    "a database that is closed": database(),
    "an instance for Google's connectors alone": cloud_sql(),
    "an instance in a network": cloud_sql(connectorEnforcement=None, ipConfiguration=PRIVATE),
    "a private grant": grant("user:ada@example.com"),
    "a network that is named": ingress_rule("203.0.113.0/24"),
    "a balancer inside": resource(
        BALANCER, {"metadata": {"annotations": INTERNAL}, "spec": {"type": "LoadBalancer"}}
    ),
    "a balancer for some": resource(
        BALANCER, {"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["203.0.113.0/24"]}}
    ),
    "a Cloud Run service": service(),
    "a service whose image is made by the stack": service(image="[unknown]"),
    "a secret by reference": service(envs=[{"name": "API_KEY", "valueSource": {"secretKeyRef": {}}}]),
    "a Deployment": deployment(),
    "a task": task(),
    "a map of plain settings": resource("kubernetes:core/v1:ConfigMap", {"data": {"HOST": "0.0.0.0"}}),
    "a task that is not known yet": resource(
        "aws:ecs/taskDefinition:TaskDefinition", {"memory": "2048", "containerDefinitions": "[unknown]"}
    ),
    "a sidecar without a port or probe": deployment(ports=None, readinessProbe=None),
    "one action on one place": role_policy(allow("s3:GetObject")),
    "an action that has no place": role_policy(allow("ecr:GetAuthorizationToken", "*")),
    "a refusal of everything": role_policy({"Effect": "Deny", "Action": "*", "Resource": "*"}),
    "a role on a project that exists only there": resource(
        "gcp:projects/iAMMember:IAMMember", {"role": "roles/logging.logWriter", "member": "[unknown]"}
    ),
    "a policy that is not known yet": resource("aws:iam/rolePolicy:RolePolicy", {"policy": "[unknown]"}),
    "a log with an end": resource(LOG, {"retentionInDays": 30}),
    "a GPU pool": SAFE_POOL,
    "a pool without a GPU": node_pool("e2-standard-4", gpu=""),
    "an autoscaler": resource(
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", {"spec": {"maxReplicas": 3}}
    ),
    "what KEDA scales": resource(SCALED_OBJECT, {"spec": {"maxReplicaCount": 3}}),
}

BROKEN = [
    ("public", "allUsers", grant("allUsers")),
    ("public", "allAuthenticatedUsers", grant("allAuthenticatedUsers")),
    ("public", "security group rule for 0.0.0.0/0 on port 443 lets everybody in", ingress_rule("0.0.0.0/0")),
    (
        "public",
        "load balancer without `loadBalancerSourceRanges` lets everybody in",
        resource(BALANCER, {"spec": {"type": "LoadBalancer"}}),
    ),
    (
        "public",
        "public address",
        resource(
            "kubernetes:networking.k8s.io/v1:Ingress",
            {"metadata": {"annotations": {"kubernetes.io/ingress.class": "gce"}}},
        ),
    ),
    ("memory-limit", "has none", service(resources={"limits": {"cpu": "1"}})),
    ("memory-limit", "server has none", deployment(resources=None)),
    (
        "max-instances",
        "up to 100",
        resource("gcp:cloudrunv2/service:Service", {"location": "us-central1", "template": {}}),
    ),
    (
        "max-instances",
        "no maxReplicas",
        resource("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", {"spec": {}}),
    ),
    ("max-instances", "KEDA then goes up to 100", resource(SCALED_OBJECT, {"spec": {}})),
    (
        "max-instances",
        "without a limit",
        resource(
            "gcp:container/nodePool:NodePool",
            {"location": "us-central1-a", "autoscaling": {"minNodeCount": 1}},
        ),
    ),
    ("image-digest", "gcr.io/acme/server:1", service(image="gcr.io/acme/server:1")),
    ("image-digest", "server runs server:latest", deployment(image="server:latest")),
    ("image-digest", "server runs server:latest", task(image="server:latest")),
    ("plain-secret", "DB_PASSWORD", service(envs=[{"name": "DB_PASSWORD", "value": "hunter2"}])),
    ("plain-secret", "GREETING", service(envs=[{"name": "GREETING", "value": "[secret]"}])),
    ("plain-secret", "SETTING", deployment(env=[{"name": "SETTING", "value": f"hf_{'a' * 34}"}])),
    ("plain-secret", "SETTING", task(environment=[{"name": "SETTING", "value": f"AKIA{'A' * 16}"}])),
    (
        "plain-secret",
        "API_TOKEN of the map",
        resource("kubernetes:core/v1:ConfigMap", {"data": {"API_TOKEN": "x", "HOST": "0.0.0.0"}}),
    ),
    ("wide-role", "roles/editor", grant("serviceAccount:a@b", "roles/editor")),
    ("wide-role", "roles/run.admin", grant("serviceAccount:a@b", "roles/run.admin")),
    (
        "wide-role",
        "on the whole project",
        resource("gcp:projects/iAMMember:IAMMember", {"role": "roles/storage.objectViewer", "member": "a"}),
    ),
    ("wide-role", "it allows s3:*", role_policy(allow("s3:*"))),
    ("wide-role", "it allows *", role_policy(allow(["*"]))),
    ("wide-role", "s3:GetObject on every resource", role_policy(allow(["s3:GetObject"], "*"))),
    (
        "wide-role",
        "AdministratorAccess",
        resource(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
    ),
    ("log-retention", "forever", resource(LOG, {})),
    ("log-retention", "forever", resource(LOG, {"retentionInDays": 0})),
    ("probe", "the container has none", service(startupProbe=None)),
    ("probe", "server has none", deployment(readinessProbe=None)),
    ("probe", "server has none", task(healthCheck=None)),
    (
        "probe",
        "is off",
        resource("aws:lb/targetGroup:TargetGroup", {"healthCheck": {"enabled": False}}),
    ),
    ("stored-data", "not encrypted", database(storageEncrypted=None)),
    ("stored-data", "no backups", database(backupRetentionPeriod=0)),
    ("stored-data", "a public address", database(publiclyAccessible=True)),
    ("stored-data", "no backups", cloud_sql(backupConfiguration={"enabled": False})),
    ("stored-data", "no backups", cloud_sql(backupConfiguration=None)),
    ("stored-data", "a public address", cloud_sql(connectorEnforcement="NOT_REQUIRED")),
    ("stored-data", "without TLS", cloud_sql(ipConfiguration={"ipv4Enabled": True})),
    ("gpu-taint", "no taint nvidia.com/gpu", node_pool(spot=False)),
    ("gpu-spot", "on Spot", node_pool(taints=GPU_TAINT)),
]


@pytest.mark.parametrize("name", KEPT)
def test_what_keeps_the_rules_is_not_found_fault_with(name: str) -> None:
    assert broken(KEPT[name]) == []


@pytest.mark.parametrize(("rule", "detail", "fault"), BROKEN, ids=[f"{one[0]}: {one[1]}" for one in BROKEN])
def test_what_breaks_a_rule_is_named_by_it_alone(rule: str, detail: str, fault: Resource) -> None:
    found = [one for one in judged(fault) if one.rule == rule]
    assert found, judged(fault)
    assert detail in found[0].detail
    assert {one.rule for one in judged(fault)} <= {rule, "memory-limit", "probe"}


def test_every_rule_is_shown_to_be_broken_here() -> None:
    elsewhere = {"budget", "deletion-protection"}
    assert {rule for rule, _, _ in BROKEN} | elsewhere == set(RULES)


def test_every_rule_has_a_title_a_reason_and_a_fix() -> None:
    assert tuple(rule.name for rule in (*ON_RESOURCES, BUDGET)) == RULES
    assert all(rule.title and rule.reason and rule.fix for rule in (*ON_RESOURCES, BUDGET))


def test_a_secrets_value_is_never_repeated() -> None:
    [found] = judged(service(envs=[{"name": "DB_PASSWORD", "value": "hunter2"}]))
    assert "hunter2" not in str(found.as_finding())


@pytest.mark.parametrize("fault", [grant("allUsers"), ingress_rule("0.0.0.0/0")])
def test_a_stack_that_is_meant_to_be_public_may_be(fault: Resource) -> None:
    assert broken(fault, choices=Choices(is_public=True)) == []


@pytest.mark.parametrize(
    ("stack", "protected", "found"),
    [("prod", False, True), ("eu-prod-1", False, True), ("prod", True, False), ("dev", False, False)],
)
def test_deletion_protection_is_asked_for_in_production(stack: str, protected: bool, found: bool) -> None:
    inputs = {"deletionProtection": protected, "location": "us-central1"}
    cluster = resource("gcp:container/cluster:Cluster", inputs)
    assert ("deletion-protection" in broken(cluster, stack=stack)) is found


@pytest.mark.parametrize("name", ["prod", "prod-aws", "eu.production", "my_prod"])
def test_a_production_stack_is_known_by_its_name(name: str) -> None:
    assert is_production(name)


@pytest.mark.parametrize("name", ["dev", "product", "reproduce"])
def test_another_stack_is_not_taken_for_production(name: str) -> None:
    assert not is_production(name)


@pytest.mark.parametrize(
    ("level", "expected"), [("advisory", "advisory"), ("mandatory", "mandatory"), ("off", "")]
)
def test_the_stack_says_how_strictly_a_rule_is_taken(level: str, expected: str) -> None:
    found = judged(resource(LOG, {}), choices=Choices({"log-retention": level}))
    assert [one.level for one in found] == ([expected] if expected else [])


def test_mandatory_ones_come_first_and_refuse_naming_the_rules() -> None:
    found = judged(resource(LOG, {}), grant("allUsers"))
    assert [(one.rule, one.level) for one in found] == [
        ("public", "mandatory"),
        ("log-retention", "advisory"),
    ]
    with pytest.raises(Failed, match=r"1 mandatory rule is broken \(public\).*policy.public advisory"):
        refuse_mandatory(found)


def test_several_mandatory_ones_are_counted() -> None:
    with pytest.raises(Failed, match=r"Mandatory rules are broken 2 times \(plain-secret, public\)"):
        refuse_mandatory(
            judged(grant("allUsers"), service(envs=[{"name": "DB_PASSWORD", "value": "hunter2"}]))
        )


def test_advisory_ones_refuse_nothing() -> None:
    refuse_mandatory(judged(resource(LOG, {})))


def test_a_finding_says_what_where_why_and_what_to_do() -> None:
    [found] = judged(resource(LOG, {}, "journal"))
    finding = found.as_finding()
    assert finding["severity"] == "warning"
    assert finding["title"].startswith("No log retention: journal: CloudWatch")
    assert finding["fix"] == "Set `logRetention`, or on Fargate `logRetentionDays`."
    assert finding["resource"].endswith("::journal")


@pytest.mark.parametrize(("budget", "over"), [(36, True), (36.05, False), (None, False)])
def test_a_stack_over_its_budget_at_the_maximum_is_found(budget: float | None, over: bool) -> None:
    resources = fargate()
    found = judgement_of("dev", resources, Choices(budget_usd=budget), cost(*resources)).violations
    assert ([one.rule for one in found] == ["budget"]) is over


def test_an_unknown_cost_is_not_taken_to_be_within_the_budget() -> None:
    odd = resource("gcp:bigtable/instance:Instance", {})
    [found] = judgement_of("dev", [odd], Choices(budget_usd=1000), cost(odd)).violations
    assert "is unknown" in found.detail


@pytest.mark.parametrize(
    "settings",
    [
        {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"},
        {"target": "fargate", "region": "eu-west-1"},
        {"target": "local"},
    ],
)
def test_the_defaults_of_every_target_break_no_rule(settings: dict[str, str]) -> None:
    assert broken(*plan(settings).resources, stack="prod") == []


def test_a_public_stack_is_public_by_its_setting_only() -> None:
    settings = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4", "public": "true"}
    resources = plan(settings).resources
    assert broken(*resources) == ["public"]
    assert broken(*resources, choices=Choices(is_public=True)) == []


def test_cloud_run_without_a_maximum_is_dear_and_broken() -> None:
    inputs: dict[str, Any] = {**cloud_run().inputs, "scaling": {}}
    assert "max-instances" in broken(resource("gcp:cloudrunv2/service:Service", inputs))
