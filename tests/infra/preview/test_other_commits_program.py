"""What the program of another commit can reach while `slipway preview --against` runs it.

The commit asks for everything at its start and prints what it got; every test looks at one answer.
"""

import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.infra.confinement import landlock, seccomp
from slipway.infra.errors import Refused
from slipway.infra.preview.other_commit import Planning, checkout_of
from tests.infra.repository import commit, plans_at, repository_in, write_stack

SECRETS = {
    "PULUMI_CONFIG_PASSPHRASE": "hush",
    "PULUMI_ACCESS_TOKEN": "hush",
    "AWS_SECRET_ACCESS_KEY": "hush",
    "GOOGLE_APPLICATION_CREDENTIALS": "/hush.json",
    "GITHUB_TOKEN": "hush",
    "SSH_AUTH_SOCK": "/hush.sock",
    "HTTPS_PROXY": "http://me:hush@proxy",
}
ASKED = """
import fcntl, json, os, socket, sys
from pathlib import Path
def is_open(number):
    try:
        return fcntl.fcntl(number, fcntl.F_GETFD) is not None
    except OSError:
        return False
def answer(question):
    try:
        return eval(question)
    except OSError as error:
        return type(error).__name__
print(json.dumps({name: answer(question) for name, question in QUESTIONS.items()}), file=sys.stderr)
sys.exit(3)
"""
KUBECONFIG = {
    "kind": "Config",
    "current-context": "prod",
    "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "me"}}],
    "clusters": [{"name": "prod", "cluster": {"server": "https://10.0.0.1:6443"}}],
    "users": [{"name": "me", "user": {"token": "hush"}}],
}

needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not seccomp.is_available(), reason="this kernel takes no seccomp filter")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository_in(tmp_path_factory.mktemp("other") / "project")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    for name in (".aws", ".kube"):
        (home / name).mkdir()
    (home / ".aws/credentials").write_text("hush")
    (home / ".kube/config").write_text(yaml.safe_dump(KUBECONFIG))
    return home


@pytest.fixture(scope="module")
def got(repository: Path, home: Path) -> Iterator[dict[str, Any]]:
    """Name of a question -> its answer, or the name of the error."""
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as local,
        (home / "open").open("w") as file,
        pytest.MonkeyPatch.context() as patch,
    ):
        local.bind(str(home / "agent"))
        local.listen()
        os.set_inheritable(file.fileno(), True)
        for name, value in {**SECRETS, "HOME": str(home), "AWS_REGION": "eu-west-1"}.items():
            patch.setenv(name, value)
        questions = {
            "environment": "dict(os.environ)",
            "home": "str(Path.home())",
            "writes at home": "(Path.home() / 'mine').write_text('x')",
            "credentials": f"Path({str(home / '.aws/credentials')!r}).read_text()",
            "checkout": f"Path({str(repository / '.git/config')!r}).read_text()",
            "home's names": f"os.listdir({str(home)!r})",
            "caller's environment": "Path(f'/proc/{os.getppid()}/environ').read_bytes().decode()",
            "packages": "(Path(sys.prefix) / 'planted').write_text('x')",
            "TCP": f"str(socket.create_connection({tcp.getsockname()!r}, 5))",
            "agent": f"str(socket.socket(socket.AF_UNIX).connect({str(home / 'agent')!r}))",
            "UDP": "str(socket.socket(type=socket.SOCK_DGRAM))",
            "signal": "os.kill(os.getppid(), 0)",
            "terminal": "Path('/dev/tty').open('rb').name",
            "input": "sys.stdin.read()",
            "open files": "[number for number in range(3, 64) if is_open(number)]",
        }
        program = repository / "infra/cli/app.py"
        text = program.read_text()
        program.write_text(f"QUESTIONS = {questions!r}\n{ASKED}")
        asking = commit(repository, "Ask")
        program.write_text(text)
        commit(repository, "Go back")
        with checkout_of(repository, asking) as base:
            planning = Planning(repository, base, ["dev"])
            with pytest.raises(Refused, match="does not run: ") as refused:
                planning.finish()
    found = re.search(r"does not run: (\{.*\})\. Compare", str(refused.value))
    assert found is not None, str(refused.value)
    yield json.loads(found[1])
    assert not (Path(sys.prefix) / "planted").exists()


def test_it_has_an_environment_from_nothing(got: dict[str, Any]) -> None:
    environment = got["environment"]
    assert "hush" not in json.dumps(environment)
    assert set(environment) <= {
        *("PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "NO_COLOR"),
        *("AWS_REGION", "KUBECONFIG", "LD_LIBRARY_PATH"),
    }


def test_it_has_the_regions_that_a_plan_takes_from_the_environment(got: dict[str, Any]) -> None:
    assert got["environment"]["AWS_REGION"] == "eu-west-1"


def test_it_has_a_home_of_its_own_that_is_gone_afterwards(got: dict[str, Any], home: Path) -> None:
    assert got["writes at home"] == 1
    assert got["home"] != str(home)
    assert not Path(str(got["home"])).exists()


def test_it_inherits_neither_input_nor_open_files(got: dict[str, Any]) -> None:
    assert (got["input"], got["open files"]) == ("", [])


@needs_landlock
@pytest.mark.parametrize(
    "what", ["credentials", "checkout", "home's names", "caller's environment", "packages", "terminal"]
)
def test_it_reaches_no_file_of_the_caller(got: dict[str, Any], what: str) -> None:
    assert got[what] == "PermissionError"


@pytest.mark.skipif(landlock.version() < 6, reason="Landlock holds signals back since Linux 6.12")
def test_it_sends_the_caller_no_signal(got: dict[str, Any]) -> None:
    assert got["signal"] == "PermissionError"


@needs_seccomp
@pytest.mark.parametrize("what", ["TCP", "UDP", "agent"])
def test_it_reaches_no_network_and_no_service_of_this_machine(got: dict[str, Any], what: str) -> None:
    assert got[what] == "PermissionError"


@pytest.mark.parametrize("setting", ["", "home", "elsewhere"])
def test_a_cluster_is_known_to_both_sides_and_its_login_to_neither(
    repository: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """A plan names the cluster that the kubeconfig leads to: with another one, all would be replaced."""
    monkeypatch.setenv("HOME", str(home))
    elsewhere = tmp_path / "kubeconfig"
    elsewhere.write_text(yaml.safe_dump(KUBECONFIG))
    paths = {"": {}, "home": {"kubeconfig": "~/.kube/config"}, "elsewhere": {"kubeconfig": str(elsewhere)}}
    image = f"registry.example.com/server@sha256:{'a' * 64}"
    write_stack(repository, "cluster", {"target": "kubernetes", "image": image, **paths[setting]})
    with_cluster = commit(repository, "A cluster")
    with plans_at(repository, with_cluster, "cluster") as base:
        [provider] = [
            each for each in base.plans["cluster"].resources if each.type == "pulumi:providers:kubernetes"
        ]
    assert provider.inputs["clusterIdentifier"] == "https://10.0.0.1:6443"
    assert provider.inputs["kubeconfig"] == "[secret]"


def test_a_system_that_confines_nothing_is_named_in_the_notes(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    monkeypatch.setattr(seccomp, "is_available", lambda: False)
    with checkout_of(repository, "HEAD") as base:
        Planning(repository, base, ["dev"]).stop()
    assert "could read your files and use the network" in " ".join(base.notes)
