"""What goes wrong in the desk: the kinds of it."""

from collections.abc import Sequence
from typing import ClassVar


class DeskError(Exception):
    """Base of all errors of the desk."""

    error_id: ClassVar[str] = "desk-error"
    retryable: ClassVar[bool] = False


class Unacceptable(DeskError):  # noqa: N818
    """What is asked for cannot be done as it stands; nothing changed. `problems` has a sentence
    for each thing that is wrong, if there are several.
    """

    error_id = "unacceptable"
    problems: Sequence[str] = ()


class Refused(DeskError):  # noqa: N818
    """What is asked for is right, and not possible as things are; nothing changed."""

    error_id = "refused"


class NotFound(DeskError):  # noqa: N818
    """No such record."""

    error_id = "not-found"


class VersionConflict(DeskError):  # noqa: N818
    """Somebody changed the record since it was read."""

    error_id = "version-conflict"

    def __init__(self, what: str, found: int, expected: int) -> None:
        super().__init__(
            f"{what} is at version {found}, not {expected}: read it again and repeat the change"
        )
        self.found = found
        self.expected = expected


class NotPossibleNow(DeskError):  # noqa: N818 - a state
    """The call, the agent or the line is not in a state for what was asked; nothing changed.

    `detail` says what stands in the way in one sentence, `mend` what to do instead.
    """

    error_id = "not-possible-now"

    def __init__(self, detail: str, mend: str) -> None:
        super().__init__(f"{detail}: {mend}")
        self.detail = detail
        self.mend = mend


class BadImport(DeskError):  # noqa: N818
    """An import file is wrong; nothing of it was stored. `problems` has a sentence per line."""

    error_id = "bad-import"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
