"""The dynamic provider of the local service: create, diff, read, update and delete of one server process.

Module and class names are state: Pulumi pickles the provider by reference, and a stack made before a
move could no longer be destroyed. A test freezes them.
"""

from pathlib import Path
from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

from . import kept_files, process, worker
from .deploy import SMOKE, Deployment
from .record import LOG, Lease, ProcessRecord
from .release import RELEASE_INPUTS, Release, fingerprint
from .rollout import ROLLOUT, abandon, mend

PULUMI, SLIPWAY = "pulumi up", "slipway up"
AGAIN_COMMANDS = {
    PULUMI: "delete the folder of that release in the run folder's `releases` to bring it again",
    SLIPWAY: "bring it again with `slipway up --again`",
}
STOP_COMMANDS = {PULUMI: "`pulumi destroy` on its stack", SLIPWAY: "`slipway down` (or `make down`)"}
# A change of any of these starts another version of the server.
_SERVER_INPUTS = ("run_folder", *RELEASE_INPUTS)


class LocalProcessProvider(ResourceProvider):
    """Creates, reads, updates and deletes one server process.

    Inputs and outputs are plain JSON; `api_key` is the one secret. Paths are relative to the project.
    """

    owner = PULUMI
    keeps_keys = False
    """Whether the releases' records may hold their keys; Pulumi's state encrypts them."""

    def say(self, step: str) -> None:
        """Report a step of a rollout."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        folder = Path(props["run_folder"])
        process.refuse_other_owner(folder, self.owner, STOP_COMMANDS)
        abandon(folder)
        process.stop(folder)  # what an interrupted run of the same owner may have left
        process.refuse_taken_port(int(props["port"]))
        key = props.get("api_key") or process.new_api_key()
        return CreateResult(props["service"], self._outputs(props, key, self._deployment(props, key).start()))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = any(_olds.get(name) != _news.get(name) for name in _SERVER_INPUTS)
        record = self._own_running(_olds)
        is_other = record is not None and record.server.pid != _olds.get(
            "pid"
        )  # of a rollout that was cut off
        is_idle = worker.takes_jobs(_news) and not worker.running_workers(Path(_news["run_folder"]))
        changed = changed or _key_changed(_olds, _news) or record is None or is_other or is_idle
        return DiffResult(changes=changed, replaces=[])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        folder = Path(_news["run_folder"])
        process.refuse_other_owner(folder, self.owner, STOP_COMMANDS)
        key = process.new_api_key() if _key_changed(_olds, _news) else _olds["api_key"]
        key = _news.get("api_key") or key
        if self._own_running(_olds) and _olds["run_folder"] == _news["run_folder"]:
            return UpdateResult(self._rolled(folder, _olds, _news, key))
        deployment = self._deployment(_news, key)
        deployment.require_not_taken_back()
        abandon(folder)
        process.stop(Path(_olds["run_folder"]))  # also a version that still drains, and listens
        process.refuse_taken_port(int(_news["port"]))
        return UpdateResult(self._outputs(_news, key, deployment.start()))

    def _rolled(self, folder: Path, olds: dict[str, Any], news: dict[str, Any], key: str) -> dict[str, Any]:
        """Bring a new version into the place of the one that serves; adopt one that is there already."""
        lease, record = Lease.read(folder), process.running(folder)
        release = Release.read(folder, lease.release) if lease else None
        if release is None:  # a server from before there were releases
            return self._restarted(folder, olds, news, key)
        if record and release.fingerprint == fingerprint(news) and not _key_changed(olds, news):
            mend(folder)  # a rollout whose command was killed when it had ended
            worker.follow(folder)
            return self._outputs(news, key, record)
        if int(news["port"]) != int(olds["port"]):
            process.refuse_taken_port(int(news["port"]))
        try:
            return self._outputs(news, key, self._deployment(news, key).roll())
        except process.StartFailed as error:
            lease = Lease.read(folder)
            kept = "The service is stopped."
            if lease and process.running(folder):
                kept = f"The previous version is still running: release {lease.release} serves."
            why, more, _ = str(error).partition("\n")
            raise process.StartFailed(f"{error}\n{why} {kept}" if more else f"{why} {kept}") from None

    def _restarted(
        self, folder: Path, olds: dict[str, Any], news: dict[str, Any], key: str
    ) -> dict[str, Any]:
        self.say("The server is from before there were releases: it is stopped, and the new one started")
        process.stop(folder)
        try:
            return self._outputs(news, key, self._deployment(news, key).start())
        except process.StartFailed as error:
            raise process.StartFailed(f"{error}\n{self._put_back(olds)}") from None
        except KeyboardInterrupt:
            self._put_back(olds)
            raise

    def _put_back(self, olds: dict[str, Any]) -> str:
        try:
            self._deployment(olds, olds["api_key"]).start()
        except process.StartFailed:
            return "The previous version could not be started again either: the service is stopped."
        return "The previous version is still running."

    def _deployment(self, props: dict[str, Any], key: str, repeats: int = 0) -> Deployment:
        return Deployment(
            Path(props["run_folder"]),
            self.owner,
            props,
            key,
            self.keeps_keys,
            self.say,
            AGAIN_COMMANDS[self.owner],
            repeats,
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the live state; a service that is gone has no id, so that `refresh` forgets it."""
        record = self._own_running(props) if props else None
        return ReadResult(id_, {**props, **_live(record)}) if record else ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        folder = Path(_props["run_folder"])
        lease = Lease.read(folder)
        if lease is None or lease.owner == self.owner:
            abandon(folder)
            process.stop(folder)
            kept_files.forget(folder)
            for name in (ROLLOUT, SMOKE):
                (folder / name).unlink(missing_ok=True)

    def _own_running(self, props: dict[str, Any]) -> ProcessRecord | None:
        """Return the record of this owner's live server, or None."""
        folder = Path(props["run_folder"])
        lease = Lease.read(folder)
        return process.running(folder) if lease and lease.owner == self.owner else None

    def _outputs(self, props: dict[str, Any], api_key: str, record: ProcessRecord) -> dict[str, Any]:
        return {
            **{name: value for name, value in props.items() if name != "__provider"},
            **_live(record),
            "api_key": api_key,
            "log": str(Path(props["run_folder"]) / LOG),
        }


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
