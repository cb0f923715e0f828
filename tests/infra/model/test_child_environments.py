"""What the programs that open foreign models get of the caller's environment."""

import json
from pathlib import Path

import pytest

from slipway.infra.errors import Failed
from slipway.infra.model import fit_hub, import_model
from slipway.infra.model.fit_hub import hub_model
from slipway.infra.model.import_model import imported
from slipway.infra.model.torch_env import printed_by

HUSH = {
    "PULUMI_CONFIG_PASSPHRASE": "hush",
    "PULUMI_ACCESS_TOKEN": "hush",
    "AWS_SECRET_ACCESS_KEY": "hush",
    "GOOGLE_APPLICATION_CREDENTIALS": "/hush.json",
    "GITHUB_TOKEN": "hush",
    "KUBECONFIG": "/hush",
}
FOR_THE_HUB = {
    "HF_TOKEN": "of the Hub",
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "SSL_CERT_FILE": "/certificates.pem",
}


class Interpreter:
    """Stands for the environment with torch: it is this one."""

    def __init__(self, python: Path) -> None:
        self._python = python

    def is_made(self) -> bool:
        return True

    def require(self, say: object) -> Path:
        return self._python


SHOWING = "import json, os, pathlib, sys\n"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Python finds a module `showing`; the caller has secrets, and what the Hub takes."""
    for name, value in {**HUSH, **FOR_THE_HUB, "CUDA_VISIBLE_DEVICES": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_a_comparison_of_models_has_neither_the_callers_secrets_nor_its_home(modules: Path) -> None:
    (modules / "showing.py").write_text(
        f"{SHOWING}print(json.dumps([dict(os.environ), str(pathlib.Path.home()), sys.stdin.read()]))"
    )
    environment, home, read = json.loads(printed_by("showing", [], {"PYTHONPATH": str(modules)}))
    assert "hush" not in json.dumps(environment)
    assert not environment.keys() & FOR_THE_HUB.keys()
    assert environment["CUDA_VISIBLE_DEVICES"] == "0"
    assert home != str(Path.home())
    assert not Path(home).exists()
    assert read == ""


def test_what_asks_the_hub_has_the_hubs_own_variables_and_no_other_secret(
    modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (modules / "showing.py").write_text(
        f"{SHOWING}pathlib.Path({str(modules)!r}, 'shown').write_text(json.dumps(dict(os.environ)))\n"
        "print('{\"files\": {}}')"
    )
    for module in (fit_hub, import_model):
        monkeypatch.setattr(module, "_MODULE", "showing")
    here = Interpreter(Path(import_model.sys.executable))
    monkeypatch.setattr(import_model, "TORCH", here)
    (modules / "manifest.json").write_text("{}")
    for ask in (lambda: hub_model("hf:a/b", True), lambda: imported("hf:a/b", modules, [], print)):
        ask()
        environment = json.loads((modules / "shown").read_text())
        (modules / "shown").unlink()
        assert "hush" not in json.dumps(environment)
        assert FOR_THE_HUB.items() <= environment.items()
        assert "HOME" in environment


def test_a_comparison_that_fails_says_why(modules: Path) -> None:
    (modules / "showing.py").write_text("raise SystemExit('it is broken')")
    with pytest.raises(Failed, match="it is broken"):
        printed_by("showing", [], {"PYTHONPATH": str(modules)})
