"""`python -m service`: settings, port, model, then serve. Exit code 0 after SIGTERM, 2 if it cannot start."""

import signal
import sys
from types import FrameType


def _exit(number: int, frame: FrameType | None) -> None:
    del number, frame
    sys.exit(0)


def main() -> int:
    # Until the event loop takes over, a stop request ends the process as a normal stop does.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _exit)

    # Imported here and not above, so that the handlers stand first and each fault is told
    # before the imports that take a third of a second.
    from .faults import StartFault
    from .logs import configure_logs, fields, log

    configure_logs("info")
    try:
        from .settings import settings_from_environment

        settings = settings_from_environment()
        configure_logs(settings.log_level)

        from .listener import listener

        sock = listener(settings.host, settings.port)
        from .server import serve

        serve(settings, sock)
    except StartFault as fault:
        log.error("%s", fault, extra=fields(cause=fault.cause))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
