"""Which part of a file a player gets (RFC 9110, section 14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.api.ranges import Span, Unsatisfiable, asked

TAG = '"abc"'


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 1000),
        ("bytes=10-19", 10, 20),
        ("bytes=990-5000", 990, 1000),
        ("bytes=999-", 999, 1000),
        ("bytes=-1", 999, 1000),
        ("bytes=-5000", 0, 1000),
        (" Bytes=5-6 ", 5, 7),
    ],
)
def test_one_range_is_that_part(wanted: str, start: int, stop: int) -> None:
    assert asked(wanted, None, TAG, 1000) == Span(start, stop, 1000)


@pytest.mark.parametrize(
    "wanted",
    [
        None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=1-2,5-6",
        "bytes=-1,0-5", "items=0-5", "bytes = 0-5", "bytes=+1-5", "bytes=0x1-5", "bytes=١-٢",
        "bytes=0-" + "9" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_single_range_gets_the_whole(wanted: str | None) -> None:
    assert asked(wanted, None, TAG, 1000) is None


@pytest.mark.parametrize("wanted", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_part_that_the_file_does_not_have_is_told(wanted: str) -> None:
    with pytest.raises(Unsatisfiable):
        asked(wanted, None, TAG, 1000)
    with pytest.raises(Unsatisfiable):
        asked("bytes=0-", None, TAG, 0)


@pytest.mark.parametrize("if_range", ['"other"', f"W/{TAG}", "Sun, 22 Nov 2026 00:00:00 GMT", ""])
def test_a_part_of_another_version_is_never_given(if_range: str) -> None:
    assert asked("bytes=0-5", if_range, TAG, 1000) is None
    assert asked("bytes=0-5", TAG, TAG, 1000) == Span(0, 6, 1000)


@given(st.text(max_size=30).map("bytes={}".format), st.integers(0, 2000))
def test_nothing_that_a_client_sends_leads_out_of_the_file(wanted: str, size: int) -> None:
    try:
        span = asked(wanted, None, TAG, size)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span.start < span.stop <= size


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 2000))
def test_every_range_within_the_file_is_served_exactly(first: int, last: int, size: int) -> None:
    wanted = f"bytes={first}-{last}"
    if last < first:
        assert asked(wanted, None, TAG, size) is None
    elif first >= size:
        with pytest.raises(Unsatisfiable):
            asked(wanted, None, TAG, size)
    else:
        span = asked(wanted, None, TAG, size)
        assert span is not None
        assert (span.start, span.stop) == (first, min(last + 1, size))
        assert span.content_range == f"bytes {first}-{min(last, size - 1)}/{size}"
