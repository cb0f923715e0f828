"""How a batch ends other than complete; each class has one exit code."""

from ..faults import StartFault

COMPLETE, CANNOT_GO_ON, REFUSED, TOO_MANY_FAILED, STOPPED = 0, 1, 2, 3, 75
"""Exit codes. 75 is EX_TEMPFAIL of sysexits.h: asked again, it goes on."""


class BatchRefused(StartFault):
    """The input, the output or an option is wrong, and another try would not help. Exit code 2."""

    cause = "batch_refused"


class BatchFailed(Exception):
    """The batch cannot go on now; what is complete stays, and the next start goes on. Exit code 1."""


class BatchStopped(Exception):
    """A signal asked the batch to stop. Exit code 75."""
