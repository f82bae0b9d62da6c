"""Nobody can ask for links faster than people do, and nobody's neighbours pay for it."""

import pytest

from desk.api.request_rate import RequestRate, address_of

LOCAL = ["127.0.0.1/32", "::1/128"]


def test_an_address_may_ask_so_often_in_a_minute_and_another_one_too() -> None:
    rate = RequestRate(3)
    assert [rate.allows("a", 0) for _ in range(4)] == [True, True, True, False]
    assert rate.allows("b", 0)
    assert not rate.allows("a", 19.9)
    assert rate.allows("a", 20.1)
    assert not rate.allows("a", 20.2)


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    rate = RequestRate(1)
    assert rate.allows("a", 100)
    assert not rate.allows("a", 50)


def test_a_million_addresses_need_no_more_memory_than_a_few() -> None:
    rate = RequestRate(1, most_addresses=3)
    for number in range(10):
        rate.allows(str(number), 0)
    assert len(rate._buckets) == 3


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # says it itself
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the proxy says it last
        ("127.0.0.1", "rubbish", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        (None, "203.0.113.7", "?"),
        ("unix", None, "?"),
    ],
)
def test_only_a_trusted_proxy_tells_who_asks(
    peer: str | None, forwarded: str | None, address: str
) -> None:
    assert address_of(peer, forwarded, LOCAL) == address
