"""What can go wrong with calls that are wanted."""

from desk.errors import NotFound, NotPossibleNow


class NoSuchRequest(NotFound):
    """No request with this id."""

    error_id = "no-such-outbound-call"

    def __init__(self, request_id: int) -> None:
        super().__init__(f"no outbound call with id {request_id}; list them again")
        self.request_id = request_id


class NoSuchRevisit(NotFound):
    """No series of re-visits, or no visit of it, with this id."""

    error_id = "no-such-revisit"

    def __init__(self, revisit_id: int, visit: int | None = None) -> None:
        which = f"{revisit_id}" if visit is None else f"{revisit_id}, visit {visit}"
        super().__init__(f"no re-visit with id {which}; list those of the ticket again")
        self.revisit_id = revisit_id
        self.visit = visit


class NotDialled(NotPossibleNow):
    """The customer is not to be called so; `cause` is one word."""

    error_id = "not-dialled"

    def __init__(self, cause: str, why: str) -> None:
        detail, _, mend = why.partition("; ")
        super().__init__(detail, mend or "Call by another number, or ask a supervisor.")
        self.cause = cause


class RequestEnded(NotPossibleNow):
    """What was to be changed is over, or under way."""

    error_id = "outbound-call-ended"

    def __init__(self, what: str, state: str) -> None:
        super().__init__(f"{what} is {state} and cannot be changed", "Look at it again.")
        self.state = state
