"""`python -m service.batch`: one start of a batch's worker, as its supervisor runs it (supervisor.py)."""

import os
import signal
import sys
import threading
from types import FrameType

from ..allocator import give_memory_back
from ..faults import StartFault
from ..logs import configure_logs, fields, log
from ..redaction import REDACTION
from ..settings import settings_from_environment
from ..stderr import stderr_as_log
from ..stop_signals import stop_signals
from .faults import CANNOT_GO_ON, REFUSED, STOPPED, BatchFailed, BatchStopped
from .in_flight import InFlight
from .settings import batch_settings
from .supervisor import IN_FLIGHT_FD, LIFELINE_FD, SUSPECTS
from .worker import Worker


def main() -> int:
    configure_logs("info")
    try:
        settings, batch = settings_from_environment(), batch_settings()
    except StartFault as fault:
        log.error("%s", fault, extra=fields(cause=fault.cause))
        return REFUSED
    configure_logs(settings.log_level, settings.log_level_field)
    suspects = [int(row) for row in os.environ.get(SUSPECTS, "").split(",") if row]
    worker = Worker(settings, batch, InFlight(int(os.environ[IN_FLIGHT_FD])), suspects)

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        worker.stop()

    for each in stop_signals():
        signal.signal(each, stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    give_memory_back()
    REDACTION.serves = True  # a library's own lines may quote a row
    with stderr_as_log():
        return run(worker)


def run(worker: Worker) -> int:
    """Run the worker; log why it ended, and return the exit code."""
    try:
        return worker.run()
    except StartFault as fault:
        log.error("%s", fault, extra=fields(cause=fault.cause))
        return REFUSED
    except BatchStopped:
        worker.progress.log("stopped")
        return STOPPED
    except BatchFailed as failure:
        log.error("%s", failure, extra=fields(cause="batch_failed"))
        worker.progress.log("failed")
        return CANNOT_GO_ON


def _end_with_parent() -> None:
    """End at once when the supervisor is gone, because the next one will have its own worker."""
    with open(int(os.environ[LIFELINE_FD]), "rb", buffering=0) as lifeline:
        lifeline.read(1)
    os._exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main())
