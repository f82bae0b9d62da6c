"""What can go wrong with rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from desk.errors import DeskError, NotFound


class BadCondition(DeskError):  # noqa: N818 - what it is
    """A condition that cannot be used. `line` and `column` count from 1, within its text."""

    error_id = "bad-condition"

    def __init__(self, text: str, position: int, what: str, mend: str) -> None:
        before = text[:position]
        self.line = before.count("\n") + 1
        self.column = position - (before.rfind("\n") + 1) + 1
        self.what = what
        self.mend = mend
        super().__init__(f"line {self.line}, column {self.column}: {what}; {mend}")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a rule set: where it stands (`line` from 1), what it is, and the mend.

    `fatal` is False for what may be meant so: the set can become active with it.
    """

    line: int
    place: str
    what: str
    mend: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"line {self.line}: {self.place}: {self.what}; {self.mend}"


class BadRules(DeskError):  # noqa: N818
    """A rule set that cannot become active. `findings` has everything that is wrong with it."""

    error_id = "bad-rules"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(each) for each in findings))
        self.findings = tuple(findings)


class NoSuchRuleSet(NotFound):
    """No rule set has this number."""

    error_id = "no-such-rule-set"

    def __init__(self, edition: int) -> None:
        super().__init__(f"no rule set {edition}; `huisheng rules versions` lists them")
        self.edition = edition


class NothingToTake(NotFound):
    """No ticket waits that this person may take."""

    error_id = "nothing-to-take"

    def __init__(self, actor: str) -> None:
        super().__init__(f"no ticket waits for {actor}; ask again later")
        self.actor = actor


class BadSample(DeskError):  # noqa: N818
    """A sample names what is no fact, or gives it another type. `problems`: a sentence each."""

    error_id = "bad-sample"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
