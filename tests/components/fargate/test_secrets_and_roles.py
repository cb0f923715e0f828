import json
import re

import pulumi_aws as aws
import pulumi_random as random
import pytest

from slipway.components.fargate import Egress, FargateService
from slipway.infra.plan.config import StackConfig
from tests.components.fargate.emitted import (
    MODEL,
    containers,
    emitted,
    names_of,
    planned,
    statements,
)
from tests.contract import cloud
from tests.contract.fargate_cases import (
    ELSEWHERE,
    KEY,
    PLAIN,
    REFERENCE,
    ROLE,
    SECRET,
    VERSION,
)


def test_no_secret_is_in_the_json_of_a_plan() -> None:
    plan = planned(
        api_key="hush-hush-hush-hush", secret_values={"HF_TOKEN": "hush"}, secrets={"DATABASE": REFERENCE}
    )
    text = json.dumps([dict(resource.inputs) for resource in plan.resources]) + json.dumps(dict(plan.outputs))
    assert "hush" not in text
    assert text.count("[secret]") >= 4  # two versions, two arguments of the component


def test_everything_that_a_task_needs_comes_before_the_service() -> None:
    plan = planned(model=MODEL, allowed_cidrs=["10.0.0.0/8"], egress=Egress.ENDPOINTS)
    made = next(r for r in plan.resources if r.name == "api-service")
    assert names_of(made.dependencies) >= {
        "api-capacity",
        "api-execution-policy",
        "api-task-policy",
        "api-http-listener",
        "api-task-ingress",
        "api-task-s3-egress",
        "api-balancer-egress",
        "api-public-route",
        "api-secretsmanager-endpoint",
        "api-task",
    }


def test_the_role_that_starts_tasks_may_pull_log_and_read_each_secret() -> None:
    made = emitted(
        secret_values={"HF_TOKEN": "hush"}, secrets={"A": REFERENCE, "B": f"{SECRET}:user::{VERSION}"}
    )
    assert [(one["Action"], one["Resource"]) for one in statements(made, "execution")] == [
        (["ecr:GetAuthorizationToken"], "*"),
        (
            ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "arn:aws:ecr:eu-west-1:123456789012:repository/slipway",
        ),
        (
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/api:*",
        ),
        (
            ["secretsmanager:GetSecretValue"],
            _secret_arn(made, "HF_TOKEN"),
        ),
        (
            ["secretsmanager:GetSecretValue"],
            _secret_arn(made, "MODEL_API_KEY"),
        ),
        (["secretsmanager:GetSecretValue"], SECRET),
    ]
    elsewhere = json.dumps(statements(emitted(image_ref=ELSEWHERE), "execution"))
    assert "ecr:" not in elsewhere


@pytest.mark.parametrize(
    ("image", "arn"),
    [
        (
            "999999999999.dkr.ecr.us-east-1.amazonaws.com/team/server:v1",
            "arn:aws:ecr:us-east-1:999999999999:repository/team/server",
        ),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/server",
            "arn:aws-cn:ecr:cn-north-1:123456789012:repository/server",
        ),
        (
            "123456789012.dkr-ecr.eu-west-1.on.aws/server",
            "arn:aws:ecr:eu-west-1:123456789012:repository/server",
        ),
    ],
)
def test_the_role_that_starts_tasks_may_pull_from_the_repository_of_the_image(image: str, arn: str) -> None:
    login, pull, *_ = statements(emitted(image_ref=f"{image}@sha256:{'a' * 64}"), "execution")
    assert (login["Action"], login["Resource"]) == (["ecr:GetAuthorizationToken"], "*")
    assert (pull["Action"], pull["Resource"]) == (["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], arn)


def test_the_servers_own_role_may_read_the_model_and_nothing_else() -> None:
    made = emitted(model=MODEL)
    assert statements(made, "task") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": "arn:aws:s3:::models/spam/v2/*",
        }
    ]
    assert [r.name for r in emitted().of_type(aws.iam.RolePolicy)] == ["api-execution-policy"]


def test_existing_roles_are_used_and_left_alone() -> None:
    made = emitted(execution_role_arn=ROLE, task_role_arn=ROLE, model=MODEL)
    assert made.of_type(aws.iam.Role) == made.of_type(aws.iam.RolePolicy) == []
    inputs = made.named("api-task").inputs
    assert (inputs["executionRoleArn"], inputs["taskRoleArn"]) == (ROLE, ROLE)


def _secret_arn(made: cloud.Emitted, name: str) -> str:
    drawn = made.named(f"api-{name}-secret").inputs["name"]
    assert re.fullmatch(rf"api/{name}-[0-9a-f]{{8}}", drawn)
    return f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{drawn}-a1B2c3"


def test_only_tasks_may_take_the_roles() -> None:
    for role in emitted().of_type(aws.iam.Role):
        [trust] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


def test_a_variable_points_at_a_version_of_its_secret() -> None:
    secrets = containers(secrets={"DATABASE": REFERENCE}, secret_values={"HF_TOKEN": "hush"})[0]["secrets"]
    assert [secret["name"] for secret in secrets] == ["DATABASE", "HF_TOKEN", "MODEL_API_KEY"]
    assert secrets[0]["valueFrom"] == REFERENCE
    assert re.search(r":secret:api/MODEL_API_KEY-[0-9a-f]{8}-a1B2c3:::", secrets[2]["valueFrom"])


def test_a_replaced_version_stays_for_tasks_of_the_revision_before() -> None:
    monitor = cloud.Cloud("demo", "dev")

    def program() -> None:
        FargateService("api", PLAIN)  # pyright: ignore[reportArgumentType]

    cloud.run(program, StackConfig("demo", "dev", {}, frozenset(), {}), monitor, preview=False)
    [request] = [
        made for urn, made in monitor.requests.items() if urn.endswith("::api-MODEL_API_KEY-version")
    ]
    assert request.retainOnDelete


@pytest.mark.parametrize(("protected", "days"), [(True, 30), (False, 0)])
def test_a_deleted_secret_can_come_back_only_where_deletion_is_protected(protected: bool, days: int) -> None:
    secrets = emitted(deletion_protection=protected).of_type(aws.secretsmanager.Secret)
    assert [secret.inputs["recoveryWindowInDays"] for secret in secrets] == [days]


def test_a_key_is_created_only_where_none_is_given() -> None:
    created = emitted().of_type(random.RandomPassword)
    assert [(made.inputs["length"], made.inputs["special"]) for made in created] == [(40, False)]
    assert emitted(api_key=KEY).of_type(random.RandomPassword) == []
