"""Hostile bytes in a caller's name must not stop the record of the call."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.text import canonical, parsed, storable

any_text = st.text(st.characters())  # surrogates and control characters included
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


@given(any_text)
def test_every_text_becomes_storable(text: str) -> None:
    kept = storable(text, 50)
    kept.encode("utf-8")
    assert len(kept) <= 50
    assert "\0" not in kept
    assert "\r" not in kept
    assert storable(kept, 50) == kept


def test_ordinary_text_is_kept_as_it_is() -> None:
    assert storable("张三 \u3000said:\n\t“好”", 100) == "张三 \u3000said:\n\t“好”"


@given(st.dictionaries(any_text, anything, max_size=4))
def test_every_body_has_a_canonical_form_that_reads_back_the_same(body: dict[str, object]) -> None:
    text = canonical(body)
    text.encode("utf-8")
    assert "\0" not in text
    assert canonical(parsed(text)) == text


def test_the_order_of_keys_does_not_matter() -> None:
    assert (
        canonical({"b": 1, "a": (1, 2)}) == canonical({"a": [1, 2], "b": 1}) == '{"a":[1,2],"b":1}'
    )


def test_moments_have_a_form_and_objects_none() -> None:
    assert (
        canonical({"at": datetime(2026, 1, 1, tzinfo=UTC)}) == '{"at":"2026-01-01T00:00:00+00:00"}'
    )
    with pytest.raises(TypeError):
        canonical({"what": object()})
