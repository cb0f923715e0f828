"""A message about a stack has the words of its settings, and none of a component's arguments."""

import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from slipway.components.cloud_run import CloudRunServiceArgs
from slipway.components.fargate import FargateServiceArgs
from slipway.components.fault import ArgumentsError, reader_words
from slipway.components.gke import GkeClusterArgs
from slipway.components.image import InferenceImageArgs
from slipway.components.kubernetes import KubernetesServiceArgs
from slipway.components.local.component import LocalServiceArgs
from slipway.infra.settings.faults import in_settings
from slipway.infra.settings.reading import Given, read
from slipway.infra.targets.registry import target_named
from slipway.stacks.secrets import StackSecrets
from slipway.stacks.settings.setting import Setting
from slipway.stacks.settings.targets import SETTINGS, keys
from tests.stacks.examples import base_of, example_of

ARGUMENTS = {
    name
    for args in (
        *(CloudRunServiceArgs, FargateServiceArgs, GkeClusterArgs),
        *(KubernetesServiceArgs, LocalServiceArgs, InferenceImageArgs),
    )
    for name in args.__annotations__
}
# Words of a component that no person wrote; a key that is spelt alike is theirs.
FOREIGN = {name for name in ARGUMENTS if "_" in name} - set(keys())


def messages(target: str, values: Mapping[str, str]) -> Iterator[str]:
    given = Given("prod", {**base_of(target), **values}, {})
    settings, faults = read(given)
    yield from map(str, faults)
    if settings is None:
        return
    stack = importlib.import_module(target_named(target).stack_module)
    with reader_words(settings.words()):
        try:
            stack.prepare("slipway-prod", settings, StackSecrets())
        except ArgumentsError as error:
            yield from map(str, in_settings(error, settings, given.place, {f.key for f in faults}))


def candidates(target: str, row: Setting) -> Iterator[Mapping[str, str]]:
    """Values at the ends of what the setting allows, alone and with what it needs."""
    example = example_of(target, row)
    value, needs = example or ("", {})
    texts = {"integer": ["0", "1", "1000", "16"], "number": ["0.1", "64", "3600"], "flag": ["true", "false"]}
    found = texts.get(row.type, [])
    found = ["64Mi", "1Ti", "1G"] if row.type == "quantity" else found
    found = row.allowed.split(", ") if row.type == "choice" else found
    for text in {*found, value} - {""}:
        yield {row.key: text}
        yield {**needs, row.key: text}


def tried(target: str) -> list[str]:
    return [
        line
        for row in SETTINGS[target].rows()
        if row.key != "target" and not row.secret
        for values in candidates(target, row)
        for line in messages(target, values)
    ]


@pytest.mark.parametrize("target", SETTINGS)
def test_a_message_names_settings_alone(target: str) -> None:
    found = tried(target)
    assert len(found) > 5
    for line in found:
        said = set(re.findall(r"[a-z]+(?:_[a-z]+)+", line))
        assert not said & FOREIGN, line
        assert not line.startswith((":", " ")), line
        assert ".." not in re.sub(r"\.\.\.", "", line), line


def test_every_argument_that_a_setting_decides_has_its_word() -> None:
    for target, settings in SETTINGS.items():
        known = {row.key for row in settings.rows()}
        words: Mapping[str, Any] = settings.words()
        assert set(words.values()) <= known | {"kubeconfig"}, target
