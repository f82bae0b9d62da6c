"""How many requests an address may make in a minute. Bounded memory, no clock of its own."""

from collections import OrderedDict
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

MOST_ADDRESSES = 10_000
NOBODY = "?"


class RequestRate:
    """A bucket for each address, full at first, that refills evenly. Of more than
    `MOST_ADDRESSES`, those longest not seen are forgotten.
    """

    def __init__(self, most_per_minute: int, most_addresses: int = MOST_ADDRESSES) -> None:
        self._most = most_per_minute
        self._most_addresses = most_addresses
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str, seconds: float) -> bool:
        """Whether one more request at this moment, in seconds of any clock, is not too many."""
        left, at = self._buckets.pop(address, (float(self._most), seconds))
        left = min(float(self._most), left + max(0.0, seconds - at) * self._most / 60)
        allowed = left >= 1
        self._buckets[address] = (left - 1 if allowed else left, seconds)
        if len(self._buckets) > self._most_addresses:
            self._buckets.popitem(last=False)
        return allowed


def address_of(peer: str | None, forwarded_for: str | None, proxies: Sequence[str]) -> str:
    """Who asks: the peer, or whom a trusted proxy names last in `X-Forwarded-For`; of IPv6, the
    network (/64), which is what one customer has.
    """
    named = _place(peer)
    if forwarded_for and peer is not None and _within(peer, proxies):
        named = _place(forwarded_for.rpartition(",")[2].strip()) or named
    return named or NOBODY


def _within(peer: str, proxies: Sequence[str]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in ip_network(network) for network in proxies)


def _place(text: str | None) -> str:
    try:
        address = ip_address(text or "")
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)
