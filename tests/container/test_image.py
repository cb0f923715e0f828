"""What is in the image, and what is not."""

import importlib.util
import re
from pathlib import Path

import pytest

from tests.container.conftest import KEY_SEEN_BY_THE_BUILD, MARK_IN_THE_CA, Builder
from tests.container.engine import ROOT, Image

pytestmark = pytest.mark.container

MODEL = "service/models/sms-spam"
MODEL_FILES = ("manifest.json", "model.onnx", "tokenizer.json", "README.md")
# onnxruntime's lies in the package; tokenizers' wheel has none: it is Apache-2.0, whose text /app holds.
LICENCE_ELSEWHERE = {"onnxruntime": "opt/packages/onnxruntime/LICENSE", "tokenizers": "app/LICENSE"}


def test_the_user_is_a_fixed_number_that_is_not_root(image: Image) -> None:
    assert image.description["Config"]["User"] == "10001:10001"


def test_it_is_started_and_checked_without_a_shell(image: Image) -> None:
    config = image.description["Config"]
    assert config["Entrypoint"] == ["python", "-m", "service"]
    assert not config["Cmd"]
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    assert config["Healthcheck"]["StartPeriod"] == 300e9


def test_app_holds_the_server_and_its_model_and_nothing_else(image: Image) -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("service/**/*.py", "service/api/*.html", *(f"{MODEL}/{name}" for name in MODEL_FILES))
        for path in ROOT.glob(pattern)
        if path.suffix != ".py" or "service/models/" not in path.as_posix()
        if path.name != "drop_symbols.py"  # of the build
    }
    held = {name.removeprefix("app/") for name in image.files if name.startswith("app/")}
    assert {name for name in held if not name.endswith(".pyc")} == {"LICENSE", *sources}


def test_what_lies_beside_the_sources_stays_out(builder: Builder, image: Image, tags: list[str]) -> None:
    for name in ("service/.env", "service/server.key", "service/api/.netrc", f"{MODEL}/notes.txt", "id_rsa"):
        (builder.folder / name).write_text("not for the image")
    tags.append("slipway-test:strays")
    assert builder.build(tags[-1]).files.keys() == image.files.keys()


def test_every_module_comes_with_bytecode_that_is_never_checked(image: Image) -> None:
    for name in image.files:
        if name.endswith(".py"):
            path = Path(name)
            bytecode = image.files[f"{path.parent}/__pycache__/{path.stem}.cpython-311.pyc"]
            assert bytecode[4:8] == b"\x01\0\0\0", name  # PEP 552: by hash, unchecked


def test_the_standard_library_comes_with_bytecode_too(image: Image) -> None:
    assert image.python("import asyncio, os; print(os.path.exists(asyncio.__cached__))") == "True"


def test_what_the_list_leaves_out_and_the_installers_cannot_be_imported(image: Image) -> None:
    listed = (ROOT / "service/requirements.in").read_text()
    left_out = re.findall(r"^([a-z0-9-]+) ; python_version < '3'$", listed, re.MULTILINE)
    assert "huggingface-hub" in left_out
    modules = {name.replace("-", "_") for name in left_out} - {"protobuf"} | {"google"}
    absent = modules | {"pip", "setuptools", "wheel", "torch", "transformers", "pulumi"}
    found = image.python(
        f"from importlib.util import find_spec; print([m for m in {sorted(absent)!r} if find_spec(m)])"
    )
    assert found == "[]"
    assert importlib.util.find_spec("huggingface_hub"), "here it is: the names are the importable ones"


def test_every_package_keeps_its_licence_and_what_a_scanner_reads(image: Image) -> None:
    infos = {name.split("/")[2] for name in image.files if ".dist-info/" in name}
    assert len(infos) > 15
    for info in infos:
        held = [name for name in image.files if name.startswith(f"opt/packages/{info}/")]
        assert f"opt/packages/{info}/METADATA" in held
        elsewhere = LICENCE_ELSEWHERE.get(info.split("-")[0])
        assert elsewhere in image.files or any("licen" in name.lower() for name in held), info


def test_onnxruntime_is_told_to_send_nothing_to_its_maker(image: Image) -> None:
    assert "ORT_DISABLE_TELEMETRY=1" in image.description["Config"]["Env"]


def test_the_labels_tell_revision_and_model_and_change_no_layer(
    builder: Builder, image: Image, tags: list[str]
) -> None:
    tags.append("slipway-test:labels")
    labelled = builder.build(tags[-1], "--build-arg=REVISION=abc123", "--build-arg=MODEL_VERSION=sms-spam-1")
    labels = labelled.description["Config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == "abc123"
    assert labels["slipway.model.version"] == "sms-spam-1"
    assert labelled.layer_ids == image.layer_ids


def test_neither_the_key_nor_the_ca_bundle_of_a_build_is_in_a_layer_or_the_history(image: Image) -> None:
    assert len(image.layers) > 4
    for secret in (KEY_SEEN_BY_THE_BUILD, MARK_IN_THE_CA):
        assert secret not in str(image.description)
        for layer in image.layers:
            assert secret.encode() not in layer.content
    assert "MODEL_API_KEY" not in str(image.description)


def test_it_adds_at_most_145_mb_to_its_base(image: Image, base: Image) -> None:
    assert image.layer_ids[: len(base.layer_ids)] == base.layer_ids
    assert image.description["Size"] - base.description["Size"] <= 145e6
