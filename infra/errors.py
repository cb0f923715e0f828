"""The errors of the command line: a refusal, after which nothing has changed, and a failed operation."""


class SlipwayError(Exception):
    """The root of the errors that end a command."""


class Refused(SlipwayError):
    """Bad input, or a state that does not allow the operation. Exit code 2."""


class Failed(SlipwayError):
    """The operation was started and did not succeed. Exit code 1."""


class ProgramFailed(SlipwayError):
    """A program that the command ran failed, and has already said why. code: its exit code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"ended with exit code {code}")
