"""Does a caller arrive however the carrier spells the number?"""

import pytest

from asterisk_conf.numbers import spellings


@pytest.mark.parametrize("given", ["02287654321", "2287654321", "+862287654321", "00862287654321"])
def test_a_land_line_is_known_in_every_spelling(given: str):
    assert set(spellings(given)) >= {
        "2287654321",
        "02287654321",
        "+862287654321",
        "862287654321",
        "00862287654321",
    }
    assert spellings(given)[0] == given


def test_a_400_number_that_begins_like_a_country_code_is_not_cut():
    assert "8612345678" in spellings("8612345678")


@pytest.mark.parametrize("short", ["95588", "12345", "800"])
def test_a_short_number_has_one_spelling(short: str):
    assert spellings(short) == (short,)
