"""How often somebody may ask. Each process counts by itself."""

import math
from collections.abc import Sequence
from datetime import datetime

from fastapi import Request

from desk.api.problems import Problem
from desk.api.request_rate import RequestRate, address_of


class Limit:
    """So many a minute for each asker, a minute's worth of them at once."""

    def __init__(self, per_minute: int) -> None:
        self._rate = RequestRate(per_minute)
        self._retry_after = str(math.ceil(60 / per_minute))

    def check(self, asker: str, now: datetime, what: str) -> None:
        """Count one.

        Raises:
            Problem: 429, there were too many; `what` says who is meant.
        """
        if not self._rate.allows(asker, now.timestamp()):
            raise Problem(
                429,
                "too-many-requests",
                "Too many requests",
                f"{what} asks more often than is permitted.",
                "Wait as long as Retry-After says; api.limits in config.yaml has the limits.",
                headers={"Retry-After": self._retry_after},
            )


class Limits:
    """The limits of a served API, per minute."""

    def __init__(self, requests: int, failures: int, logins: int) -> None:
        self.requests = Limit(requests)  # of a token, or of a person's sessions
        self.failures = Limit(failures)  # requests of an address that show no valid token
        self.logins = Limit(logins)  # log-ins with one name, and from one address


def asker_at(request: Request, proxies: Sequence[str]) -> str:
    """The address that a request came from, as far as one of `proxies` passed it on."""
    peer = request.client.host if request.client is not None else None
    return address_of(peer, request.headers.get("x-forwarded-for"), proxies)
