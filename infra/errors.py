"""What the command line tells apart: a refusal, after which nothing has changed, and a failed operation."""


class Refused(Exception):
    """Bad input, or a state that does not allow the operation. Exit code 2."""


class Failed(Exception):
    """The operation was started and did not succeed. Exit code 1."""
