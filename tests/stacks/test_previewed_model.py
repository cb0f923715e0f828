"""The model that is previewed is the one that is built in, and the only one that the server may serve."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest

from slipway.components.local.process import StartFailed, stop
from slipway.infra.local.runner import State, up
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from slipway.infra.preview import findings_of
from slipway.infra.program import main
from slipway.infra.settings.stackfile import settings_from
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.checkout import ROOT, copy_of_the_checkout
from tests.stacks.targets import GIVEN, IMAGES, config, environment, inputs, planned

SMS_SPAM = Manifest.read(ROOT / "service/models/sms-spam", TASKS).model_version
HUB = f"hf:acme/spam@{'a' * 40}"
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
BUCKETS = {
    "cloud-run": "gs://models/spam@1763721600000000",
    "fargate": "s3://models/spam@3sL4kqtJlcpXroDTDmJ",
    "gke": "gs://models/spam@1763721600000000",
    "kubernetes": "s3://models/spam@3sL4kqtJlcpXroDTDmJ",
    "kserve": "gs://models/spam@1763721600000000",
}
every_target = pytest.mark.parametrize("target", sorted(GIVEN))


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the checkout with a second bundled model, `other`."""
    copy = copy_of_the_checkout(tmp_path_factory.mktemp("two") / "checkout")
    other = Path(shutil.copytree(copy / "service/models/sms-spam", copy / "service/models/other"))
    manifest = json.loads((other / "manifest.json").read_text()) | {"name": "other", "version": "7"}
    (other / "manifest.json").write_text(json.dumps(manifest))
    return copy


@every_target
def test_the_named_model_is_built_in_and_expected(
    target: str, two_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.components.model.ROOT", two_models)
    monkeypatch.setattr("slipway.components.image.spec.ROOT", two_models)
    plan = planned(target, model="bundled:other")
    build = inputs(plan, "slipway-prod-image-build")["buildArgs"]
    assert (build["BUNDLED"], build["MODEL_VERSION"]) == ("other", "other-7")
    expected = Manifest.read(two_models / "service/models/other", TASKS).model_version
    assert environment(target, plan)["EXPECTED_MODEL"] == expected


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a model of the user's own in the project, measured to need 700 MiB and 40 s to load."""
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "models/mine"))
    measured = {"memory_mib": 700, "load_seconds": 40, "texts_per_second": 10}
    manifest = json.loads((folder / "manifest.json").read_text()) | {"name": "mine", "measured": measured}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return "file:models/mine"


def unfetched(folder: Path) -> None:
    (folder / "model.onnx").write_text(LFS_POINTER)


def without_weights(folder: Path) -> None:
    (folder / "model.onnx").unlink()


@every_target
def test_a_folder_of_the_users_own_is_built_in_and_expected(target: str, mine: str) -> None:
    plan = planned(target, model=mine)
    build = inputs(plan, "slipway-prod-image-build")["buildArgs"]
    assert (build["BUNDLED"], build["MODEL_VERSION"]) == ("mine", "mine-1.0.0")
    found = environment(target, plan)
    assert found["EXPECTED_MODEL"] == Manifest.read(Path("models/mine"), TASKS).model_version
    assert "MODEL_SOURCE" not in found


@every_target
def test_what_was_measured_of_the_users_own_model_reaches_the_target(target: str, mine: str) -> None:
    component = next(r for r in planned(target, model=mine).resources if "load_seconds" in r.inputs)
    assert component.inputs["load_seconds"] == 40
    with pytest.raises(pulumi.RunError, match=r"memory is 512Mi with .*mine, which was measured to need 700"):
        planned(target, model=mine, memory="512Mi")


@every_target
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (unfetched, "model.onnx is in Git LFS"),
        (without_weights, "which lacks model.onnx"),
        (shutil.rmtree, "which is no folder here"),
    ],
)
def test_a_model_that_is_not_all_here_is_refused(
    target: str, change: Callable[[Path], object], fault: str, mine: str
) -> None:
    change(Path("models/mine"))
    with pytest.raises(pulumi.RunError, match=fault) as refused:
        planned(target, model=mine)
    assert str(refused.value).count("models/mine'") == 1


@every_target
def test_without_a_model_the_default_one_is_built_in_and_expected(target: str) -> None:
    assert environment(target, planned(target))["EXPECTED_MODEL"] == SMS_SPAM


@every_target
def test_a_model_of_the_hub_is_expected_at_its_commit(target: str) -> None:
    assert environment(target, planned(target, model=HUB))["EXPECTED_MODEL"] == HUB


@every_target
def test_a_given_image_must_hold_the_model_that_is_named(target: str) -> None:
    for model, expected in (("bundled:sms-spam", SMS_SPAM), (HUB, HUB)):
        plan = planned(target, model=model, image=IMAGES[target])
        assert environment(target, plan)["EXPECTED_MODEL"] == expected


@every_target
def test_a_given_image_may_hold_any_model_where_none_is_named(target: str) -> None:
    assert "EXPECTED_MODEL" not in environment(target, planned(target, image=IMAGES[target]))


@every_target
def test_a_model_in_a_bucket_is_known_by_its_pinned_address_alone(target: str) -> None:
    found = environment(target, planned(target, model=BUCKETS[target]))
    assert found["MODEL_SOURCE"] == BUCKETS[target]
    assert "EXPECTED_MODEL" not in found


@every_target
def test_what_cannot_be_checked_of_a_model_is_reported(target: str, mine: str) -> None:
    def unchecked(**values: str) -> list[str]:
        given = config(target, **values)
        found = findings_of(plan_of(main, given), settings_from(given))
        return [finding["title"] for finding in found if finding["title"].startswith("not checked")]

    for model in (HUB, BUCKETS[target]):
        [title] = unchecked(model=model)
        assert f"whether the memory is enough for {model}" in title
    [title] = unchecked(image=IMAGES[target])
    assert "the model in the given `image`" in title
    assert unchecked() == unchecked(model=mine) == unchecked(model=mine, image=IMAGES[target]) == []


@pytest.mark.parametrize("target", ["cloud-run", "fargate", "kubernetes"])
def test_the_expected_model_cannot_be_set_past_the_stack(target: str) -> None:
    with pytest.raises(pulumi.RunError, match="env has EXPECTED_MODEL, which the service itself sets"):
        planned(target, env='{"EXPECTED_MODEL": "mine"}')


def test_a_local_process_serves_the_model_that_was_looked_at(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder changes between the look and the start."""
    monkeypatch.chdir(tmp_path)
    model = Path(shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "model"))
    values = {"target": "local", "port": str(free_port), "model": f"file:{model}"}
    stack = StackConfig(
        "slipway", "local", {f"slipway:{key}": value for key, value in values.items()}, frozenset(), {}
    )

    def program() -> None:
        main()
        manifest = json.loads((model / "manifest.json").read_text()) | {"version": "9"}
        (model / "manifest.json").write_text(json.dumps(manifest))

    try:
        with pytest.raises(StartFailed, match=f"EXPECTED_MODEL is .*{SMS_SPAM[-12:]}.*here is sms-spam-9"):
            up(stack, program, lambda _text: None)
    finally:
        stop(stack.run_folder)
    assert State.read(stack.run_folder).resources == {}
