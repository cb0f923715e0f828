"""An image with a model of the Hugging Face Hub in place of the bundled one, from its build argument MODEL.

The first run installs torch in a stage of the build: 2.9 GB to download, 6 GB in the engine's build cache.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.container.conftest import Builder
from tests.container.engine import Image, built, container, docker
from tests.modeltools.fake_hub import TOKEN
from tests.modeltools.handmade import LABELS, Handmade, handmade
from tests.modeltools.hub_fixtures import TestHub
from tests.service.running_server import AUTHORIZED
from tests.service.sources.front import Front, serving

pytestmark = pytest.mark.container

TEXTS = ("I loved every minute of it", "Where is my order?", "the worst phone I have ever owned " * 4)


@pytest.fixture(scope="module")
def model() -> Handmade:
    return handmade()


@pytest.fixture(scope="module")
def fake_hub() -> Iterator[TestHub]:
    hub = TestHub()
    with serving(Front(hub)) as front:
        hub.front, hub.url = front, front.url
        yield hub


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text(TOKEN)
    return file


def options(hub: TestHub, address: str, *more: str) -> list[str]:
    """Return the build's options; the Hub listens on this machine's loopback address."""
    return ["--network=host", f"--build-arg=MODEL={address}", f"--build-arg=HF_ENDPOINT={hub.url}", *more]


@pytest.fixture(scope="module")
def hub_image(
    image: Image,
    checkout: Path,
    python_image: str,
    ca: Path | None,
    tags: list[str],
    fake_hub: TestHub,
    model: Handmade,
    token_file: Path,
) -> Image:
    """Of a gated model, its weights in fp32."""
    address = fake_hub.put("acme/handmade", model.files(), gated=True)
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    asked = options(fake_hub, address, "--build-arg=PRECISION=fp32", f"--secret=id=hf_token,src={token_file}")
    return built(checkout, tags[-1], python_image, *asked, ca=ca)


def test_it_serves_the_model_as_the_network_is_written_down(
    hub_image: Image, model: Handmade, tmp_path: Path
) -> None:
    with container(hub_image, tmp_path / "log") as running:
        answers = httpx.post(f"{running.url}/predict", json={"text": list(TEXTS)}, headers=AUTHORIZED).json()
    for text, answer in zip(TEXTS, answers["predictions"], strict=True):
        expected = model.probabilities(text)
        assert answer["label"] == LABELS[int(expected.argmax())]
        assert answer["proba"] == pytest.approx(float(expected.max()), abs=1e-4)
    assert answers["model_version"].startswith("handmade-")


def test_it_holds_that_model_alone_and_says_where_it_came_from(hub_image: Image, fake_hub: TestHub) -> None:
    held = {
        name for name in hub_image.files if name.startswith("app/") and not name.endswith((".py", ".pyc"))
    }
    models = {name for name in held if "model" in name}
    assert models == {f"app/model/{name}" for name in ("manifest.json", "model.onnx", "tokenizer.json")}
    manifest = json.loads(hub_image.files["app/model/manifest.json"])
    commit = fake_hub.repositories["acme/handmade"].branches["main"]
    assert manifest["source"] == f"hf:acme/handmade@{commit}"
    assert (manifest["license"], manifest["precision"]) == ("apache-2.0", "fp32")


def test_nothing_that_converted_it_is_in_the_image(hub_image: Image, image: Image) -> None:
    found = hub_image.python(
        "from importlib.util import find_spec; "
        "print([m for m in ('torch', 'transformers', 'onnx', 'huggingface_hub') if find_spec(m)])"
    )
    assert found == "[]"
    assert hub_image.description["Size"] < image.description["Size"] + 2_000_000
    packages = {name for name in image.files if name.startswith("opt/")}
    assert {name for name in hub_image.files if name.startswith("opt/")} == packages
    assert len(hub_image.layer_ids) == len(image.layer_ids)


def test_the_token_is_in_no_layer_and_not_in_the_history(hub_image: Image) -> None:
    history = docker("history", "--no-trunc", hub_image.reference)
    assert TOKEN not in history + str(hub_image.description)
    for layer in hub_image.layers:
        assert TOKEN.encode() not in layer.content


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("branch", "names a branch or a tag, which can be moved to other weights; pin a commit"),
        ("gated", "is gated: its owner grants access to each account"),
        ("task", "the architecture is BertForMaskedLM; allowed is one for classification"),
        ("place", "MODEL: got 'bundled:other'; allowed: hf:<owner>/<name>@<commit>"),
    ],
)
def test_a_model_that_cannot_be_put_into_it_ends_the_build(
    builder: Builder, hub_image: Image, fake_hub: TestHub, model: Handmade, spoil: str, told: str
) -> None:
    files = model.files()
    if spoil == "task":
        config = json.loads(files["config.json"]) | {"architectures": ["BertForMaskedLM"]}
        files["config.json"] = json.dumps(config).encode()
    address = fake_hub.put(f"acme/{spoil}", files, gated=spoil == "gated")
    asked = {"branch": "hf:acme/branch@main", "place": "bundled:other"}.get(spoil, address)
    with pytest.raises(AssertionError) as failed:
        builder.build("slipway-test:refused", *options(fake_hub, asked))
    assert told in str(failed.value)


def test_a_build_of_the_bundled_model_installs_no_torch(builder: Builder, tags: list[str]) -> None:
    (builder.folder / "modeltools/requirements-train.txt").write_text("no list at all\n")
    tags.append("slipway-test:bundled")
    assert "app/service/models/sms-spam/model.onnx" in builder.build(tags[-1]).files
