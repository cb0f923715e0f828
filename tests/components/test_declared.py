"""Each argument of a component has a field of its spec, filled with what was given or with its default."""

import dataclasses
from typing import Any

import pytest

from slipway.components.cloud_run import CloudRunServiceArgs
from slipway.components.cloud_run.spec import CloudRunSpec
from slipway.components.declared import argument, read_into
from slipway.components.fargate import FargateServiceArgs
from slipway.components.fargate.spec import FargateSpec
from slipway.components.gke import GkeClusterArgs
from slipway.components.gke.spec import GkeClusterSpec
from slipway.components.image import InferenceImageArgs
from slipway.components.image.spec import ImageSpec
from slipway.components.jobs.args import WorkersArgs
from slipway.components.jobs.spec import JobsSpec
from slipway.components.kubernetes import KubernetesServiceArgs
from slipway.components.kubernetes.spec import KubernetesSpec
from slipway.components.spec import InferenceServiceArgs, InferenceServiceSpec

PAIRS: list[tuple[Any, Any]] = [
    (InferenceServiceArgs, InferenceServiceSpec),
    (WorkersArgs, JobsSpec),
    (CloudRunServiceArgs, CloudRunSpec),
    (FargateServiceArgs, FargateSpec),
    (GkeClusterArgs, GkeClusterSpec),
    (KubernetesServiceArgs, KubernetesSpec),
    (InferenceImageArgs, ImageSpec),
]
MADE = {"name", "given", "service"}


def names(spec: Any) -> set[str]:
    own: set[str] = {str(field.name) for field in dataclasses.fields(spec)}
    inherited = names(InferenceServiceSpec) if "service" in own else set[str]()
    of_jobs = names(JobsSpec) | {"jobs"} if spec is not JobsSpec and "jobs" in own else set[str]()
    return (own | inherited | of_jobs) - MADE


@pytest.mark.parametrize(("args", "spec"), PAIRS, ids=[spec.__name__ for _, spec in PAIRS])
def test_every_argument_has_a_field_of_the_spec(args: Any, spec: Any) -> None:
    assert set(args.__annotations__) == names(spec)


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    size: float = argument(2)
    double: float = argument(derived=lambda spec: spec.size * 2)
    names: tuple[str, ...] = argument(())
    labels: dict[str, str] = argument({})


def test_what_is_not_given_has_its_default_or_follows_from_what_is() -> None:
    assert read_into(Example, {}) == Example(2, 4, (), {})
    assert read_into(Example, {"size": 5}) == Example(5, 10, (), {})
    assert read_into(Example, {"size": 5, "double": 1}) == Example(5, 1, (), {})


def test_a_later_change_of_what_was_given_does_not_reach_the_spec() -> None:
    given: dict[str, Any] = {"names": ["a"], "labels": {"a": "b"}}
    spec = read_into(Example, given)
    given["names"].append("b")
    given["labels"]["c"] = "d"
    assert (spec.names, spec.labels) == (("a",), {"a": "b"})
    assert read_into(Example, {}).labels is not read_into(Example, {}).labels
