"""docs/guides/pull-requests.md: its identities may do what the plans need, and no more."""

import fnmatch
import re
from typing import Any

import pytest
import yaml

from slipway.components.aws.secrets import secret_name
from tests.checkout import ROOT
from tests.made_names import plan
from tests.workflows.guide import Made

# What the deployer needs to make a resource of the type, or the types that begin so.
# docs.cloud.google.com/iam/docs/roles-permissions, by the service.
GOOGLE_ROLES = {
    "gcp:artifactregistry/": "artifactregistry.admin",
    "gcp:cloudrun": "run.admin",
    "gcp:container/": "container.admin",
    "gcp:compute/": "compute.networkAdmin",
    "gcp:logging/": "logging.configWriter",
    "gcp:monitoring/": "monitoring.editor",
    "gcp:projects/iAMMember:": "resourcemanager.projectIamAdmin",
    "gcp:projects/service:": "serviceusage.serviceUsageAdmin",
    "gcp:secretmanager/": "secretmanager.admin",
    "gcp:serviceaccount/": "iam.serviceAccountAdmin",
    "gcp:storage/": "storage.admin",
    "kubernetes:": "container.admin",
}
# The beginning of a type's name in the provider -> the service of IAM that its calls belong to, where it is
# another than the module.
AWS_SERVICES = {
    "appautoscaling": "application-autoscaling",
    "cloudwatch/logGroup": "logs",
    "cloudwatch/event": "events",
    "lb": "elasticloadbalancing",
    "vpc": "ec2",
}


MAILED = "alertEmail=oncall@example.com"


def service_of(name: str) -> str:
    """Return the service of IAM that makes a type, which is named as in `sns/topic`."""
    found = (service for begin, service in AWS_SERVICES.items() if name.startswith(begin))
    return next(found, name.split("/")[0])


def roles_in(guide: str) -> set[str]:
    """Roles that a guide asks for on the project of every stack."""
    rows = re.findall(r"^\| (`roles/[^|]*) \|", (ROOT / f"docs/guides/{guide}.md").read_text(), re.MULTILINE)
    return {role for row in rows if not row.endswith("only") for role in re.findall(r"`roles/([\w.]+)`", row)}


@pytest.mark.parametrize(("stack", "guide"), [("dev", "cloud-run"), ("prod", "gke")])
def test_a_deployer_gets_the_roles_that_the_guide_of_its_target_lists(
    made: Made, stack: str, guide: str
) -> None:
    assert made.granted(f"deploy-slipway-{stack}") == roles_in(guide)


@pytest.mark.parametrize(
    ("stack", "guide", "overrides"),
    [
        ("dev", "cloud-run", ["model=gs://models/spam@1"]),
        ("prod", "gke", ["public=true", "domain=api.example.com"]),
    ],
)
def test_the_roles_of_a_deployer_on_google_suffice_for_its_plan_and_none_is_idle(
    stack: str, guide: str, overrides: list[str]
) -> None:
    types = {
        resource.type
        for resource in (*plan(stack).resources, *plan(stack, *overrides).resources)
        if resource.type.startswith(("gcp:", "kubernetes:"))
    }
    needed = {role for begin, role in GOOGLE_ROLES.items() if any(each.startswith(begin) for each in types)}
    assert all(any(each.startswith(begin) for begin in GOOGLE_ROLES) for each in types)
    # To run the service, or nodes, as the account that was made for them: actAs.
    listed = roles_in(guide) | {"storage.admin"}
    assert needed | {"iam.serviceAccountUser", "storage.admin"} == listed
    assert "`roles/storage.admin`, on the bucket" in (ROOT / f"docs/guides/{guide}.md").read_text()


def test_the_deployer_on_gke_may_grant_the_roles_of_the_nodes_alone(made: Made) -> None:
    condition = yaml.safe_load(made.runner.text("nodes.yaml"))
    assert condition["expression"].startswith(
        "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(["
    )
    granted = {
        resource.inputs["role"]
        for resource in plan("prod").resources
        if resource.type == "gcp:projects/iAMMember:IAMMember"
    }
    assert set(re.findall(r"'(roles/[^']+)'", condition["expression"])) == granted
    [call] = made.named("--role=roles/resourcemanager.projectIamAdmin")
    assert "--condition-from-file=nodes.yaml" in call


def test_a_preview_may_only_read_and_no_value_of_a_secret(made: Made) -> None:
    for stack in ("dev", "prod"):
        assert made.granted(f"preview-slipway-{stack}") == {
            "viewer",
            "iam.securityReviewer",
            "artifactregistry.reader",
        }
    [attached] = made.named("attach-role-policy")
    assert made.option(attached, "--role-name") == "preview-slipway-prod-aws"
    assert made.option(attached, "--policy-arn") == "arn:aws:iam::aws:policy/ReadOnlyAccess"


def allowed(policy: Any, action: str, resource: str) -> bool:
    """docs.aws.amazon.com/IAM: `*` stands for any characters, in actions and in resources."""
    for statement in policy["Statement"]:
        actions, resources = (
            [statement[key]] if isinstance(statement[key], str) else statement[key]
            for key in ("Action", "Resource")
        )
        if any(fnmatch.fnmatchcase(action, each) for each in actions) and any(
            fnmatch.fnmatchcase(resource, each) for each in resources
        ):
            return True
    return False


def test_the_deployer_on_aws_may_make_what_its_plan_holds_and_cannot_change_its_own_role(made: Made) -> None:
    policy = made.json("deploy.json")
    account = "123456789012"
    for resource in plan("prod-aws", MAILED).resources:
        name = resource.inputs.get("name", "")
        match resource.type:
            case "aws:iam/role:Role":
                arn = f"arn:aws:iam::{account}:role/{name}"
                assert allowed(policy, "iam:CreateRole", arn)
                assert allowed(policy, "iam:PassRole", arn)
            case "aws:ecr/repository:Repository":
                assert allowed(policy, "ecr:PutImage", f"arn:aws:ecr:eu-west-1:{account}:repository/{name}")
            case "aws:secretsmanager/secret:Secret":
                key = resource.name.removeprefix("slipway-prod-aws-").removesuffix("-secret")
                drawn = f"{secret_name('slipway-prod-aws', key)}-0a1b2c3d-Ab12Cd"
                arn = f"arn:aws:secretsmanager:eu-west-1:{account}:secret:{drawn}"
                assert allowed(policy, "secretsmanager:CreateSecret", arn)
            case "aws:sns/topic:Topic":
                assert allowed(policy, "sns:CreateTopic", f"arn:aws:sns:eu-west-1:{account}:{name}")
            case "aws:cloudwatch/eventRule:EventRule":
                assert allowed(policy, "events:PutRule", f"arn:aws:events:eu-west-1:{account}:rule/{name}")
            case "aws:cloudwatch/metricAlarm:MetricAlarm":
                arn = f"arn:aws:cloudwatch:eu-west-1:{account}:alarm:{name}"
                assert allowed(policy, "cloudwatch:PutMetricAlarm", arn)
            case "aws:cloudwatch/logGroup:LogGroup":
                arn = f"arn:aws:logs:eu-west-1:{account}:log-group:{name}"
                assert allowed(policy, "logs:CreateLogGroup", arn)
            case _:
                pass
    own = f"arn:aws:iam::{account}:role/deploy-slipway-prod-aws"
    for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:PassRole", "iam:CreateRole"):
        assert not allowed(policy, action, own)


def test_the_deployer_on_aws_may_use_every_service_of_its_plan_and_the_guide_lists_them(made: Made) -> None:
    types = {each.type for each in plan("prod-aws", MAILED).resources if each.type.startswith("aws:")}
    needed = {service_of(type_.split(":")[1]) for type_ in types}
    given = {
        action.partition(":")[0]
        for statement in made.json("deploy.json")["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert given == needed | {"s3"}  # the state
    table = (ROOT / "docs/guides/fargate.md").read_text()
    listed = re.findall(r"^\| (`[^|]*) \| [^|]* \|$", table, re.MULTILINE)
    rows = " ".join(row for row in listed)
    assert {service for service in needed if f"`{service}`" not in rows} == set()


@pytest.mark.parametrize(
    "action", ["CreateVpc", "CreateSubnet", "CreateRouteTable", "CreateRoute", "CreateTags"]
)
def test_the_deployer_on_aws_may_make_its_network(made: Made, action: str) -> None:
    assert allowed(made.json("deploy.json"), f"ec2:{action}", "*")


@pytest.mark.parametrize("action", ["RunInstances", "TerminateInstances", "CreateVolume", "CreateKeyPair"])
def test_and_no_machine(made: Made, action: str) -> None:
    assert not allowed(made.json("deploy.json"), f"ec2:{action}", "*")
