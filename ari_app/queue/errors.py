"""What the queue refuses, each with the ids and the mend."""


class QueueError(Exception):
    """The queue cannot do what is asked."""


class QueueFull(QueueError):  # noqa: N818 - an answer, not a fault
    """The line is as long as it may be; the caller is asked for a message instead."""

    def __init__(self, call_id: str, most: int) -> None:
        super().__init__(
            f"call {call_id}: {most} callers wait already; raise queue.most_waiting or add agents"
        )
        self.call_id = call_id
        self.most = most


class NoSuchAgent(QueueError, LookupError):  # noqa: N818 - the name says it
    """No agent has this extension."""

    def __init__(self, extension: str) -> None:
        super().__init__(f"no agent has extension {extension}; see pbx.agents in config.yaml")
        self.extension = extension


class StateRefused(QueueError, ValueError):  # noqa: N818 - the name says it
    """A state that nobody can put an agent into."""

    def __init__(self, extension: str, state: str) -> None:
        super().__init__(
            f"agent {extension} cannot be set {state}: it follows from calls;"
            " set ready, away, wrap_up or unreachable"
        )
        self.extension = extension
        self.state = state
