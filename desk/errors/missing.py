"""Records that are not there."""

from desk.errors.kinds import NotFound


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


class NoSuchHandover(NotFound):
    """The ticket is not on its way to another team."""

    error_id = "no-such-handover"

    def __init__(self, number: str) -> None:
        super().__init__(f"ticket {number} is not being handed over; see its timeline")
        self.number = number
