"""The dynamic provider of the local service: create, diff, read, update and delete of one server process.

Module and class names are state: Pulumi pickles the provider by reference, and a stack made before a
move could no longer be destroyed. A test freezes them.
"""

from pathlib import Path
from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

from ..model import located
from ..need import inference_threads
from . import process
from .process import Launch
from .record import LOG, Lease, ProcessRecord

PULUMI, SLIPWAY = "pulumi up", "slipway up"
STOP_COMMANDS = {PULUMI: "`pulumi destroy` on its stack", SLIPWAY: "`slipway down` (or `make down`)"}
# A change of any of these starts the server again.
_SERVER_INPUTS = (
    "run_folder",
    "port",
    "cpu",
    "memory_gib",
    "timeout_seconds",
    "model",
    "model_folder",
    "model_digest",
    "expected_model",
    "code_digest",
)


class LocalProcessProvider(ResourceProvider):
    """Creates, reads, updates and deletes one server process.

    Inputs and outputs are plain JSON; `api_key` is the one secret. Paths are relative to the project.
    """

    owner = PULUMI

    def create(self, props: dict[str, Any]) -> CreateResult:
        folder = Path(props["run_folder"])
        process.refuse_other_owner(folder, self.owner, STOP_COMMANDS)
        process.stop(folder)  # what an interrupted run of the same owner may have left
        process.refuse_taken_port(int(props["port"]))
        return CreateResult(
            props["service"], self._start(props, props.get("api_key") or process.new_api_key())
        )

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = any(_olds.get(name) != _news.get(name) for name in _SERVER_INPUTS)
        return DiffResult(
            changes=changed or _key_changed(_olds, _news) or not self._own_running(_olds), replaces=[]
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        folder = Path(_news["run_folder"])
        process.refuse_other_owner(folder, self.owner, STOP_COMMANDS)
        was_running = self._own_running(_olds)
        if not was_running or int(_news["port"]) != int(_olds["port"]):
            process.refuse_taken_port(int(_news["port"]))
        process.stop(Path(_olds["run_folder"]))
        kept_key = process.new_api_key() if _key_changed(_olds, _news) else _olds["api_key"]
        try:
            return UpdateResult(self._start(_news, _news.get("api_key") or kept_key))
        except process.StartFailed as error:
            if not was_running:
                raise
            raise process.StartFailed(f"{error}\n{self._put_back(_olds)}") from None
        except KeyboardInterrupt:
            if was_running:
                self._put_back(_olds)
            raise

    def _put_back(self, olds: dict[str, Any]) -> str:
        try:
            self._start(olds, olds["api_key"])
        except process.StartFailed:
            return "The previous version could not be started again either: the service is stopped."
        return "The previous version is still running."

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the live state; a service that is gone has no id, so that `refresh` forgets it."""
        record = self._own_running(props) if props else None
        return ReadResult(id_, {**props, **_live(record)}) if record else ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        folder = Path(_props["run_folder"])
        lease = Lease.read(folder)
        if lease is None or lease.owner == self.owner:
            process.stop(folder)

    def _own_running(self, props: dict[str, Any]) -> ProcessRecord | None:
        """Return the record of this owner's live server, or None."""
        folder = Path(props["run_folder"])
        lease = Lease.read(folder)
        return process.running(folder) if lease and lease.owner == self.owner else None

    def _start(self, props: dict[str, Any], api_key: str) -> dict[str, Any]:
        launch = _launch(props, api_key)
        record = process.start(launch, self.owner, props["service"], props["model"])
        return {
            **{name: value for name, value in props.items() if name != "__provider"},
            **_live(record),
            "api_key": api_key,
            "log": str(launch.folder / LOG),
        }


def _launch(props: dict[str, Any], api_key: str) -> Launch:
    return Launch(
        folder=Path(props["run_folder"]),
        port=int(props["port"]),
        threads=inference_threads(props["cpu"]),
        memory_bytes=int(props["memory_gib"] * 2**30),
        timeout_seconds=props["timeout_seconds"],
        model_folder=located(props["model"], props["model_folder"]),
        version=props["code_digest"],
        api_key=api_key,
        # Not in the state of a service that was started before it was known.
        expected_model=props.get("expected_model", ""),
        ready_seconds=process.ready_seconds(props.get("load_seconds", 0)),
    )


def _live(record: ProcessRecord) -> dict[str, Any]:
    return {
        "pid": record.server.pid,
        "started_at": record.started_at,
        "memory_enforced_by": record.enforced_by,
    }


def _key_changed(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Return whether the key differs, or was given before and is not now, so that one is created."""
    given = news.get("api_key")
    return given != olds.get("api_key") if given else bool(olds.get("api_key_given"))
