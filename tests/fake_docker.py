"""A `docker` command that answers from a file, so that no test but the container's own needs an engine."""

import json
import sys
from pathlib import Path
from typing import Any

_SCRIPT = """#!{python} -IS
import json, sys
from pathlib import Path
here = Path({folder!r})
state = json.loads((here / "state.json").read_text())
asked = [word for word in sys.argv[1:] if word != "--context=default"]
with (here / "asked").open("a") as file:
    file.write(" ".join(asked) + "\\n")
if state["down"]:
    sys.exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
if asked[:2] == ["image", "inspect"]:
    if asked[2] not in state["images"]:
        sys.exit("Error: No such image: " + asked[2])
    print(json.dumps([{{"Id": state["images"][asked[2]]}}]))
elif asked[0] == "pull":
    state["images"][asked[-1]] = "sha256:pulled"
    (here / "state.json").write_text(json.dumps(state))
elif asked[:2] == ["container", "inspect"]:
    found = [one for one in state["containers"] if asked[2] in (one["Id"], one["Name"][1:])]
    if not found:
        sys.exit("Error: No such container: " + asked[2])
    print(json.dumps(found))
elif asked[0] == "ps":
    label = asked[-1].removeprefix("--filter=label=").split("=", 1)
    print("".join(one["Id"] for one in state["containers"] if list(label) in
        [list(pair) for pair in one["Config"]["Labels"].items()]))
elif asked[0] == "events":
    print(state["events"], end="")
elif asked[0] == "logs":
    print(state["log"], end="")
elif asked[0] == "start":
    for one in state["containers"]:
        one["State"]["Status"] = "running"
    (here / "state.json").write_text(json.dumps(state))
"""


class FakeDocker:
    """images: name -> id. containers: as `docker inspect` prints them. events, log: what is printed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        script = folder / "docker"
        script.write_text(_SCRIPT.format(python=sys.executable, folder=str(folder)))
        script.chmod(0o755)
        self.has()

    @property
    def path(self) -> str:
        """The folder to put on PATH."""
        return str(self._folder)

    @property
    def asked(self) -> list[str]:
        """Every command so far, without the context."""
        file = self._folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def has(
        self,
        *containers: dict[str, Any],
        images: dict[str, str] | None = None,
        events: str = "",
        log: str = "",
        down: bool = False,
    ) -> None:
        state = {
            "containers": containers,
            "images": images or {},
            "events": events,
            "log": log,
            "down": down,
        }
        (self._folder / "state.json").write_text(json.dumps(state))


def described(port: int = 8000, restarts: int = 0, memory_mib: int = 256, **state: Any) -> dict[str, Any]:
    """Describe a container of `slipway-local` as `docker inspect` does; by default it runs."""
    return {
        "Id": "c" * 64,
        "Name": "/slipway-local",
        "Image": "sha256:0123456789abcdef",
        "Created": "2026-11-21T12:00:00.123456789Z",
        "RestartCount": restarts,
        "State": {
            "Status": "running",
            "Pid": 0,
            "ExitCode": 0,
            "OOMKilled": False,
            "StartedAt": "2026-11-21T12:00:01.123456789Z",
            **state,
        },
        "Config": {"Labels": {"slipway.service": "slipway-local", "slipway.model": "bundled:sms-spam"}},
        "HostConfig": {
            "Memory": memory_mib << 20,
            "PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]},
        },
    }
