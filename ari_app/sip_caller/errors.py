"""What keeps a test caller from calling at all. A call that is refused is a result, no error."""

from typing import ClassVar


class CallerError(Exception):
    """No call could be placed. `retryable` tells whether the same attempt may succeed later."""

    retryable: ClassVar[bool] = False


class SippMissingError(CallerError):
    """SIPp is not installed."""

    def __init__(self) -> None:
        super().__init__("sipp is not installed; apt-get install sip-tester")


class SippFailedError(CallerError):
    """SIPp stopped for a reason of its own; the message has its last words."""

    def __init__(self, run: str, code: int, said: str) -> None:
        super().__init__(f"sipp run {run} ended with code {code}: {said or 'it said nothing'}")
        self.run = run
        self.code = code


class CallsTooLongError(CallerError):
    """The calls did not end in time; SIPp was stopped."""

    retryable: ClassVar[bool] = True

    def __init__(self, run: str, seconds: float) -> None:
        super().__init__(
            f"the calls of sipp run {run} did not end within {seconds:.0f} s and were cut off; "
            "see why the other side does not hang up, or give a longer deadline_seconds"
        )
        self.run = run
        self.seconds = seconds


class PortsTakenError(CallerError):
    """Local ports are in use by others."""

    retryable: ClassVar[bool] = True

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; stop the program that uses them, or take another one")
