"""`python -m service`: settings, port, model, then serve; or with ROLE=batch what service/batch does.

Exit code 0 after a stop signal, 2 if it cannot start, 1 if it cannot go on. A batch has more of them.
"""

import os
import signal
import sys
from types import FrameType

from .stop_signals import stop_signals

# A batch that is stopped is not complete: service/batch/faults.py, STOPPED.
STOPPED_BATCH = 75


def _exit(number: int, frame: FrameType | None) -> None:
    del number, frame
    sys.exit(STOPPED_BATCH if _is_batch() else 0)


def _is_batch() -> bool:
    return os.environ.get("ROLE") == "batch"


def main() -> int:
    # Until the event loop takes over, a stop request ends the process as a normal stop does.
    for stop in stop_signals():
        signal.signal(stop, _exit)

    # Imported here and not above, so that the handlers stand first and each fault is told
    # before the imports that take a third of a second.
    from .faults import ServerFailed, StartFault
    from .logs import configure_logs, fields, log

    configure_logs("info")
    if _is_batch():
        from .batch.supervisor import batch_exit_code

        return batch_exit_code()
    try:
        from .settings import settings_from_environment

        settings = settings_from_environment()
        configure_logs(settings.log_level, settings.log_level_field)

        from .listener import inherited, listener, metrics_listener

        sock = (
            listener(settings.host, settings.port)
            if settings.listen_fd is None
            else inherited(settings.listen_fd, "LISTEN_FD")
        )
        control = None if settings.control_fd is None else inherited(settings.control_fd, "CONTROL_FD")
        metrics_sock = (
            metrics_listener(settings.host, settings.metrics_port) if settings.metrics == "own-port" else None
        )
        from .stderr import stderr_as_log

        with stderr_as_log():
            from .server import serve

            serve(settings, sock, metrics_sock, control)
    except StartFault as fault:
        log.error("%s", fault, extra=fields(cause=fault.cause))
        return 2
    except ServerFailed as failure:
        log.critical("Ended: %s", failure, extra=fields(cause="server_failed"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
