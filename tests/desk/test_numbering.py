"""A ticket number that is said, heard or keyed wrong must never lead to another caller's case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.numbering import ticket_id_of, ticket_number

ids = st.integers(min_value=1, max_value=10**12)


@given(ids)
def test_a_number_leads_back_to_its_ticket(ticket_id: int) -> None:
    assert ticket_id_of(ticket_number(ticket_id)) == ticket_id


@given(ids, st.data())
def test_one_wrong_digit_is_noticed(ticket_id: int, data: st.DataObject) -> None:
    number = ticket_number(ticket_id)
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
    assert ticket_id_of(number[:place] + wrong + number[place + 1 :]) is None


@given(ids, st.data())
def test_two_neighbours_swapped_are_noticed(ticket_id: int, data: st.DataObject) -> None:
    number = ticket_number(ticket_id)
    place = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or ticket_id_of(swapped) is None


def test_numbers_are_short_and_digits_only_so_that_they_can_be_said_and_keyed() -> None:
    assert [ticket_number(n) for n in (1, 2)] == ["100014", "100023"]
    assert ticket_number(89_999).isdigit()
    assert len(ticket_number(89_999)) == 6


@pytest.mark.parametrize(
    "written", ["", "1", "00000", "１０００１４", "abc", "-100014", "1" * 40, "100004", "000000"]
)
def test_what_is_no_number_finds_nothing(written: str) -> None:
    assert ticket_id_of(written) is None


def test_spaces_between_groups_do_no_harm() -> None:
    assert ticket_id_of(" 100 014 ") == 1
