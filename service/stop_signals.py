"""The signals that request a stop. Imported before anything slow: they are handled from the first moment."""

import signal

ALWAYS = (signal.SIGTERM, signal.SIGINT)
# A terminal that is closed, and its Ctrl-\. Whoever starts the server with one of them ignored, as nohup
# does with SIGHUP, wants it to go on.
UNLESS_IGNORED = (signal.SIGHUP, signal.SIGQUIT)
_IGNORED_AT_START = tuple(stop for stop in UNLESS_IGNORED if signal.getsignal(stop) is signal.SIG_IGN)


def stop_signals() -> tuple[signal.Signals, ...]:
    return (*ALWAYS, *(stop for stop in UNLESS_IGNORED if stop not in _IGNORED_AT_START))
