"""What can go wrong in the desk. Every error has a stable `error_id`, says whether trying again
may help (`retryable`), and reads as one sentence with the mend.
"""

from collections.abc import Sequence
from typing import ClassVar


class DeskError(Exception):
    """Base of all errors of the desk."""

    error_id: ClassVar[str] = "desk-error"
    retryable: ClassVar[bool] = False


class DatabaseError(DeskError):
    """The database refused or failed. The unit of work left nothing behind unless it says so."""

    error_id = "database-failed"


class DatabaseBusy(DatabaseError):  # noqa: N818 - a state, named as operators name it
    """The deadline passed while waiting for a lock, the disk or a connection."""

    error_id = "database-busy"
    retryable = True


class DatabaseOverloaded(DatabaseError):  # noqa: N818
    """More work is waiting than the bound allows; nothing was queued."""

    error_id = "database-overloaded"
    retryable = True


class DatabaseUnavailable(DatabaseError):  # noqa: N818
    """The database cannot be reached or written at present (server down, disk full, file lost)."""

    error_id = "database-unavailable"
    retryable = True


class DatabaseClosed(DatabaseError):  # noqa: N818
    """Work was given to a database that has been closed."""

    error_id = "database-closed"


class SchemaMismatch(DatabaseError):  # noqa: N818
    """The database was made by another version of Huisheng."""

    error_id = "schema-mismatch"


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


class NoSuchCall(NotFound):
    """No call with this id is in the journal."""

    error_id = "no-such-call"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"no call {call_id!r} in the journal; record it with journal.begin first")
        self.call_id = call_id


class NoSuchTicket(NotFound):
    """No ticket with this id."""

    error_id = "no-such-ticket"

    def __init__(self, ticket_id: int) -> None:
        super().__init__(f"no ticket with id {ticket_id}; look it up by its number or by search")
        self.ticket_id = ticket_id


class NoSuchCustomer(NotFound):
    """No customer with this id."""

    error_id = "no-such-customer"

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"no customer with id {customer_id}; look it up by number or name")
        self.customer_id = customer_id


class NoSuchRecording(NotFound):
    """No recording with this id."""

    error_id = "no-such-recording"

    def __init__(self, recording_id: int) -> None:
        super().__init__(f"no recording with id {recording_id}; record it with recordings.add")
        self.recording_id = recording_id


class NoSuchTalk(NotFound):
    """No talk with this id."""

    error_id = "no-such-talk"

    def __init__(self, talk_id: str) -> None:
        super().__init__(f"no talk {talk_id!r}; record it with talks.begin first")
        self.talk_id = talk_id


class NoSuchCallback(NotFound):
    """No call-back with this id."""

    error_id = "no-such-callback"

    def __init__(self, callback_id: int) -> None:
        super().__init__(f"no call-back with id {callback_id}; keep it with callbacks.request")
        self.callback_id = callback_id


class NoSuchLiveCall(NotFound):
    """This process serves no call with this id now."""

    error_id = "no-such-live-call"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"no call {call_id!r} is in progress here; it has ended or never was")
        self.call_id = call_id


class NoSuchAgent(NotFound):
    """No agent has this extension."""

    error_id = "no-such-agent"

    def __init__(self, extension: str) -> None:
        super().__init__(f"no agent has the extension {extension!r}; see pbx.agents in config.yaml")
        self.extension = extension


class NoSuchToken(NotFound):
    """No API token with this id."""

    error_id = "no-such-token"

    def __init__(self, token_id: int) -> None:
        super().__init__(f"no token with id {token_id}; `huisheng token list` shows them")
        self.token_id = token_id


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


class NoSuchHandover(NotFound):
    """The ticket is not on its way to another team."""

    error_id = "no-such-handover"

    def __init__(self, number: str) -> None:
        super().__init__(f"ticket {number} is not being handed over; see its timeline")
        self.number = number


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
