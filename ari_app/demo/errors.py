"""What keeps the demo from showing what was asked for."""

from collections.abc import Mapping
from typing import Any

from ari_app.sip_caller import CallerError


class NoPersonError(CallerError):
    """No key of the menus leads to an agent."""

    def __init__(self) -> None:
        super().__init__(
            "no key of your menus leads to a person; give one `person: <team>` in config.yaml "
            "(ivr: menus:), or see `huisheng demo` without --talk and --story"
        )


class StoryLateError(CallerError):
    """The story was not over in time."""

    retryable = True

    def __init__(self, waiting_for: str, seconds: float) -> None:
        super().__init__(
            f"the story was not over within {seconds:.0f} s: it still waited for {waiting_for}; "
            "huisheng doctor may say why, or the machine is too busy: try again"
        )
        self.waiting_for = waiting_for
        self.seconds = seconds


class StoryStrayedError(CallerError):
    """The line did something else than the story tells."""

    def __init__(self, waiting_for: str, kind: str, body: Mapping[str, Any]) -> None:
        super().__init__(
            f"the story waited for {waiting_for}, and {kind} came instead: {dict(body)}; see "
            "which setting or routing rule wants that"
        )
        self.kind = kind


class StoryRefusedError(CallerError):
    """The line's API or page refused a step of the story."""

    def __init__(self, step: str, status: int, why: str) -> None:
        super().__init__(f"{step} was refused ({status}): {why}")
        self.step = step
        self.status = status
