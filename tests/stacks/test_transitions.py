"""Changes of a live stack that touch one resource in several ways; of one setting: test_every_setting.py.

The rules of transitions.py are held against plans. tests/pulumi_engine runs changes on Pulumi's engine.
"""

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from slipway.infra.plan.run import Plan
from tests.stacks.examples import base_of, example_of
from tests.stacks.plans import planned
from tests.stacks.test_every_setting import ROWS
from tests.stacks.transitions import accepted, collisions

Choice = Mapping[str, str]
_NETWORK = {"network": "vpc-0a1b2c3d", "subnets": json.dumps(["subnet-0a1b2c3d", "subnet-1a2b3c4d"])}
_ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
_SHARED = {
    **_NETWORK,
    "domain": "api.example.com",
    "listener": _ARN.format("elasticloadbalancing", f"listener/app/shared/{'0' * 16}/{'1' * 16}"),
    "listenerSecurityGroup": "sg-0a1b2c3d",
}
_MACHINE = {"gpu": "nvidia-l4", "cpu": "2", "memory": "8Gi", "model": f"gs://acme/model@{'1' * 16}"}
# Of each target the settings that touch one resource, as alternatives; the first leaves them out.
FACTORS: Mapping[str, Sequence[Sequence[Choice]]] = {
    "cloud-run": (
        ({}, {"region": "us-central1"}, {"project": "other-project"}),
        ({}, {"domain": "api.example.com"}, {"domain": "service.example.com"}),
        ({}, {"public": "true"}, {"invokers": '["user:ada@example.com"]'}),
        ({}, {"deletionProtection": "false"}),
        ({}, {"secrets": '{"TOKEN": "projects/acme-ml/secrets/token/versions/1"}'}),
        ({}, {"network": "inner"}, {"network": "inner", "egress": "all-traffic"}),
        ({}, {"model": "gs://acme/model", "modelDelivery": "mount"}),
        ({}, {"jobs": "true"}, {"jobs": "true", "jobsDatabase": "projects/acme-ml/secrets/jobs/versions/1"}),
    ),
    "fargate": (
        ({}, _NETWORK, _SHARED, {"egress": "endpoints"}, {**_NETWORK, "ipv6": "true"}),
        ({}, {"taskRole": "arn:aws:iam::123456789012:role/models"}),
        ({}, {"internal": "true"}),
        ({}, {"cluster": _ARN.format("ecs", "cluster/shared")}, {"region": "us-east-1"}),
        ({}, {"minInstances": "2", "maxInstances": "2"}),
        ({}, {"schedule": '{"workdays": "cron(0 8 ? * MON-FRI *) 1-3"}'}),
        ({}, {"model": "s3://acme-models/spam@3sL4kqtJlcpXroDTDmJ"}),
        ({}, {"deletionProtection": "false"}),
    ),
    "gke": (
        ({}, {"region": "us-central1"}, {"location": "europe-west4-a"}, {"project": "other-project"}),
        ({}, {"network": "inner"}, {"network": "inner", "subnetwork": "inner-a"}),
        ({}, _MACHINE, {"machineType": "e2-standard-8"}),
        ({}, {"namespace": "models"}, {"namespace": "models", "createNamespace": "false"}),
        ({}, {"serviceAccount": "models"}, {"nodeServiceAccount": "nodes@acme-ml.iam.gserviceaccount.com"}),
        ({}, {"domain": "api.example.com", "public": "true"}),
        ({}, {"privateNodes": "false"}),
    ),
    "kubernetes": (
        ({}, {"namespace": "models"}, {"namespace": "others"}, {"createNamespace": "false"}),
        ({}, {"serviceAccount": "models"}, {"networkPolicy": "false"}),
        ({}, {"serving": "kserve"}),
        ({}, {"domain": "api.example.com"}, {"domain": "api.example.com", "tlsSecret": "api-tls"}),
        ({}, {"model": "s3://acme-models/spam@3sL4kqtJlcpXroDTDmJ"}),
        ({}, {"allowedNamespaces": '["shop"]'}),
    ),
}


def covering(factors: Sequence[Sequence[Choice]]) -> Iterator[dict[str, str]]:
    """Yield combinations in which each two alternatives of two factors meet; the best of a few drawn ones."""
    drawn = random.Random(1)
    sizes = [range(len(each)) for each in factors]
    left = {
        ((one, i), (other, j))
        for one, other in itertools.combinations(range(len(sizes)), 2)
        for i, j in itertools.product(sizes[one], sizes[other])
    }
    while left:
        tried = [tuple(drawn.choice(size) for size in sizes) for _ in range(60)]
        best = max(tried, key=lambda row: len(left & met(row)))
        left -= met(best)
        yield {key: text for factor, i in zip(factors, best, strict=True) for key, text in factor[i].items()}


def met(row: Sequence[int]) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    return set(itertools.combinations(enumerate(row), 2))


@pytest.mark.parametrize("target", FACTORS)
def test_settings_that_touch_one_resource_are_changed_together_and_back(target: str) -> None:
    rows = [{**base_of(target), **row} for row in covering(FACTORS[target])]
    plans = [plan for plan in map(accepted, rows) if plan]
    assert len(plans) > len(rows) / 2  # the others are refused in the preview
    pairs = [*itertools.pairwise(plans), *itertools.pairwise(plans[::-1])]
    assert {text for one, other in pairs for text in collisions(one, other)} == set()


@pytest.mark.parametrize(
    ("target", "key", "type_"),
    [
        ("cloud-run", "region", "gcp:cloudrunv2/service:Service"),
        ("fargate", "region", "aws:ecs/service:Service"),
        ("fargate", "region", "aws:cloudwatch/logGroup:LogGroup"),
        ("gke", "network", "gcp:container/cluster:Cluster"),
        ("gke", "project", "gcp:projects/iAMMember:IAMMember"),
    ],
)
def test_a_name_that_would_be_created_while_it_is_taken_is_found(target: str, key: str, type_: str) -> None:
    """The check itself: without `delete_before_replace` it finds the resource."""
    [row] = [row for name, row in ROWS if (name, row.key) == (target, key)]
    value, needs = example_of(target, row) or ("", {})
    before, after = (planned({**base_of(target), **needs, **more}) for more in ({}, {key: value}))
    assert list(collisions(before, after)) == []
    found = list(collisions(before, careless(after, type_)))
    assert found
    assert {text.partition(" ")[0] for text in found} == {type_}


def careless(plan: Plan, type_: str) -> Plan:
    resources = [
        replace(each, delete_before_replace=False) if each.type == type_ else each for each in plan.resources
    ]
    return replace(plan, resources=tuple(resources))
