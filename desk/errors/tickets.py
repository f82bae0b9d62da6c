"""What a ticket's life does not allow."""

from collections.abc import Sequence

from desk.errors.kinds import DeskError


class CallHasTicket(DeskError):  # noqa: N818 - a state
    """The call belongs to another ticket already, and a call belongs to exactly one."""

    error_id = "call-has-ticket"

    def __init__(self, call_id: str, ticket_id: int) -> None:
        super().__init__(
            f"call {call_id!r} belongs to the ticket with id {ticket_id}; link or merge the two "
            "tickets instead of moving the call"
        )
        self.call_id = call_id
        self.ticket_id = ticket_id


class TransitionRefused(DeskError):  # noqa: N818 - what the table of transitions says
    """The lifecycle knows no such step from the status that the ticket has."""

    error_id = "transition-refused"

    def __init__(
        self, number: str, action: str, status: str, word: str, possible: Sequence[str]
    ) -> None:
        super().__init__(
            f"ticket {number} is {status} ({word}), from which {action} does not lead on; "
            f"possible: {', '.join(possible) or 'nothing'}"
        )
        self.number = number
        self.action = action
        self.status = status
        self.possible = tuple(possible)


class RoleNotAllowed(DeskError):  # noqa: N818
    """Others may take this step, this role may not."""

    error_id = "role-not-allowed"

    def __init__(self, number: str, action: str, role: str, allowed: Sequence[str]) -> None:
        super().__init__(
            f"{action} on ticket {number} is not for the role {role}; ask one of: "
            f"{', '.join(allowed)}"
        )
        self.number = number
        self.action = action
        self.role = role
        self.allowed = tuple(allowed)


class TransitionIncomplete(DeskError):  # noqa: N818
    """Something that the step needs is missing; `missing` names it."""

    error_id = "transition-incomplete"

    def __init__(self, number: str, action: str, missing: Sequence[str]) -> None:
        super().__init__(
            f"{action} on ticket {number} lacks {', '.join(missing)}; give it and try again"
        )
        self.number = number
        self.action = action
        self.missing = tuple(missing)


class BadFields(DeskError):  # noqa: N818
    """Values that a ticket's type does not declare, or declares otherwise; nothing was stored.
    `problems` has a sentence per field.
    """

    error_id = "bad-fields"

    def __init__(self, number: str, problems: Sequence[str]) -> None:
        super().__init__(f"fields of ticket {number}: {'; '.join(problems)}")
        self.number = number
        self.problems = tuple(problems)


class ConfirmationRefused(DeskError):  # noqa: N818
    """What was given is not a customer's confirmation of this ticket."""

    error_id = "confirmation-refused"

    def __init__(self, number: str, why: str) -> None:
        super().__init__(f"no confirmation of ticket {number}: {why}")
        self.number = number


class NotLinkable(DeskError):  # noqa: N818
    """Two tickets cannot stand in this relation."""

    error_id = "not-linkable"


class NotSplittable(DeskError):  # noqa: N818
    """The ticket cannot be split like this."""

    error_id = "not-splittable"


class HandoverRefused(DeskError):  # noqa: N818
    """The ticket cannot be handed over like this."""

    error_id = "handover-refused"
