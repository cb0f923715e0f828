import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.infra.errors import Refused
from slipway.infra.targets.kubeconfig import checked_kubeconfig, kubeconfig_path

TOKEN = "hush-hush"


def config(server: str = "https://203.0.113.7", user: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [
            {"name": "c1", "cluster": {"server": server}},
            {"name": "c2", "cluster": {"server": "https://b"}},
        ],
        "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c1", "user": "u"}},
            {"name": "two", "context": {"cluster": "c2", "user": "u"}},
            {"name": "lost", "context": {"cluster": "c3", "user": "u"}},
        ],
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config"


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_the_chosen_context_alone_goes_on(path: Path) -> None:
    found = checked_kubeconfig(written(path, config()), "two", reach=False)
    assert (found.context, found.server) == ("two", "https://b")
    text = json.loads(found.text)
    assert text["current-context"] == "two"
    assert [len(text[part]) for part in ("clusters", "users", "contexts")] == [1, 1, 1]
    assert TOKEN not in repr(found)


def test_without_one_it_is_the_current_context(path: Path) -> None:
    assert checked_kubeconfig(written(path, config()), "", reach=False).context == "one"


def test_files_that_it_names_are_read_into_it(path: Path) -> None:
    given = config()
    given["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    (path.parent / "ca.crt").write_text("CA")
    found = json.loads(checked_kubeconfig(written(path, given), "", reach=False).text)
    assert found["clusters"][0]["cluster"]["certificate-authority-data"] == base64.b64encode(b"CA").decode()
    assert "certificate-authority" not in found["clusters"][0]["cluster"]


WRONG: list[tuple[Any, str, str]] = [
    ("a: [", "", r"The kubeconfig .*config is not YAML \(line \d\); set `kubeconfig` and `context`"),
    ("just a text", "", "is no kubeconfig, which is a map with the kind Config"),
    ("- a\n", "", "is no kubeconfig"),
    ({"kind": "Pod"}, "", "is no kubeconfig"),
    ({"kind": "Config"}, "", r"has no current-context; .*It has none\."),
    (config(), "prod", r"has no context 'prod'; it has lost, one, two\."),
    (config(), "lost", r"has no cluster 'c3'; it has c1, c2\."),
    ({**config(), "users": []}, "", r"has no user 'u'; it has none\."),
    ({**config(), "clusters": "x"}, "", r"has no cluster 'c1'; it has none\."),
    (config("203.0.113.7"), "", r"has the server '203\.0\.113\.7'; it must be https://<host>"),
    (config("https://a:port"), "", "has the server 'https://a:port'"),
    (config(""), "", "has the server ''"),
    (
        config(user={"exec": {"command": "no-such-login", "installHint": "Get it\n there."}}),
        "",
        r"gets its login from no-such-login, which is not on PATH\. Get it there\.",
    ),
    (config(user={"client-key": "none.key"}), "", r"names the client-key .*none\.key, which cannot be read"),
]


@pytest.mark.parametrize(("content", "context", "said"), WRONG)
def test_what_is_wrong_with_one_is_told_and_nothing_secret(
    path: Path, content: Any, context: str, said: str
) -> None:
    with pytest.raises(Refused, match=said) as refusal:
        checked_kubeconfig(written(path, content), context, reach=False)
    assert TOKEN not in str(refusal.value)


def test_a_missing_file_and_a_folder_are_told(path: Path) -> None:
    with pytest.raises(Refused, match=r"There is no kubeconfig at .*config; set `kubeconfig`"):
        checked_kubeconfig(path, "", reach=False)
    path.mkdir()
    with pytest.raises(Refused, match="cannot be read: IsADirectoryError"):
        checked_kubeconfig(path, "", reach=False)


def test_a_server_where_nobody_listens_is_told_at_once(path: Path) -> None:
    with socket.socket() as held:  # bound and not listening: nobody else can
        held.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(Refused, match=rf"context one in .* does not answer at {server}: .*refused"):
            checked_kubeconfig(written(path, config(server)), "", reach=True)


def test_a_server_whose_name_nobody_knows_is_told(path: Path) -> None:
    with pytest.raises(Refused, match=r"does not answer at https://cluster\.invalid"):
        checked_kubeconfig(written(path, config("https://cluster.invalid")), "", reach=True)


def test_a_server_that_listens_is_taken(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = f"https://127.0.0.1:{listening.getsockname()[1]}"
        assert checked_kubeconfig(written(path, config(server)), "", reach=True).server == server


def test_a_command_beside_the_kubeconfig_is_found_from_anywhere(path: Path) -> None:
    login = path.parent / "login"
    login.write_text("#!/bin/sh\n")
    login.chmod(0o755)
    given = config(user={"exec": {"command": "./login"}})
    found = json.loads(checked_kubeconfig(written(path, given), "", reach=False).text)
    assert found["users"][0]["user"]["exec"]["command"] == str(login)


def test_the_file_is_the_settings_the_environments_or_the_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert kubeconfig_path("") == Path("/home/ada/.kube/config")
    monkeypatch.setenv("KUBECONFIG", ":/a/first:/b/second")
    assert kubeconfig_path("") == Path("/a/first")
    assert kubeconfig_path("~/mine") == Path("/home/ada/mine")
