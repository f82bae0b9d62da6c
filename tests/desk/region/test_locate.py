"""What a caller id says: a wrong region plays the wrong menu and opens the ticket in the wrong
city; an exception loses the call."""

import csv
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.region import Caller, RegionTable, areas, locate
from desk.region.update import read_update

OWN = Path(__file__).with_name("caller_ids.csv")
SHARED = Path(__file__).parents[4] / "shared" / "data" / "region"


def _own() -> list[dict[str, str]]:
    with OWN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _fields(caller: Caller) -> dict[str, str]:
    return {
        "kind": caller.kind,
        "e164": caller.e164,
        "province": caller.province,
        "city": caller.city,
        "area_code": caller.area_code,
        "cities": "|".join(caller.cities),
    }


@pytest.mark.parametrize("row", _own(), ids=lambda row: row["input"] or "empty")
def test_each_written_form_says_whose_number_it_is(row: dict[str, str]) -> None:
    expected = dict(row)
    home = expected.pop("home")
    caller = locate(expected.pop("input"), home)
    assert _fields(caller) == expected
    assert caller.input == row["input"]


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> RegionTable:
    if not (SHARED / "mobile_segments.csv").exists():
        pytest.skip(f"no newer segment table in {SHARED}")
    state = tmp_path_factory.mktemp("state")
    read_update(SHARED / "mobile_segments.csv").table.save(state)
    return RegionTable.load(state)


def _collected(*labels: str) -> list[dict[str, str]]:
    path = SHARED / "caller_ids.csv"
    if not path.exists():
        pytest.skip(f"no collected caller ids in {SHARED}")
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["note"].split(";")[0] in labels]


def _wrong(rows: list[dict[str, str]], table: RegionTable) -> list[str]:
    wrong = []
    for row in rows:
        home = row["note"].partition("home_area_code=")[2][:4] or "022"
        caller = locate(row["input"], home, table=table)
        got = {key: getattr(caller, key) for key in row if key != "note"}
        if got != {key: value for key, value in row.items() if key != "note"}:
            wrong.append(f"{row['input']}: {got}")
    return wrong


def test_collected_caller_ids_are_right_with_the_builtin_table() -> None:
    rows = _collected("core", "policy")
    assert len(rows) > 200
    assert _wrong(rows, RegionTable.builtin()) == []


def test_every_collected_caller_id_is_right_after_the_update(newer: RegionTable) -> None:
    rows = _collected("core", "newer", "edge", "policy")
    assert len(rows) > 280
    assert _wrong(rows, newer) == []


def test_the_builtin_table_is_the_one_of_the_package_phone() -> None:
    from desk.region.pack import pack_phone

    assert list(RegionTable.builtin().segments()) == list(pack_phone().segments())
    assert RegionTable.builtin().source == pack_phone().source


def test_area_codes_hold_every_code_that_the_package_phone_uses() -> None:
    used = {region.area_code for _, region in RegionTable.builtin().segments()}
    today = {code for code, area in areas().items() if area.area_code == code}
    assert used == today
    provinces = {
        (region.area_code, region.province) for _, region in RegionTable.builtin().segments()
    }
    assert provinces == {(code, areas()[code].province) for code in today}


def test_lengths_of_local_numbers_are_those_of_libphonenumber() -> None:
    phonenumbers = pytest.importorskip("phonenumbers")

    def exists(area_code: str, local: str) -> bool:
        number = phonenumbers.PhoneNumber(
            country_code=86, national_number=int(area_code[1:] + local)
        )
        return bool(phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE)

    starts = [first + second for first in "2345678" for second in "0123456789"]
    for code, area in areas().items():
        if code != area.area_code:
            continue
        lengths = tuple(
            digits
            for digits in (7, 8)
            if any(exists(code, (start + "3456789")[:digits]) for start in starts)
        )
        assert lengths == area.local_digits, code


def test_merged_area_codes_lead_to_one_of_today() -> None:
    for code, area in areas().items():
        successor = areas()[area.area_code]
        assert successor.area_code == successor.dialled, code
        assert successor.province == area.province, code


HOSTILE = [
    '"; DROP TABLE calls; --',
    "02253456789\r\nHANGUP",
    "\x00",
    "\x1b[2J02253456789",
    "9" * 10_000,
    "<" * 10_000,
    "sip:" + "%41" * 3_000,
    b"022\xff5345".decode("utf-8", "surrogateescape"),
    "\ud800",
    "${SHELL(reboot)}",
    "²²²²",
]


@pytest.mark.parametrize("caller_id", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_caller_ids_have_no_region_and_no_number(caller_id: str) -> None:
    caller = locate(caller_id, "022")
    assert caller.kind in ("unknown", "invalid")
    assert (caller.e164, caller.province, caller.city, caller.area_code) == ("", "", "", "")
    assert caller.input == caller_id


@pytest.mark.parametrize("bad", ["\n", "\r", "\t", "\x00", "\x7f", "\u2028", "\udc80"])
@pytest.mark.parametrize("at", [0, 5, 11])
def test_a_number_with_a_control_character_is_no_number(bad: str, at: int) -> None:
    assert locate("02253456789"[:at] + bad + "02253456789"[at:], "022").kind == "unknown"


@given(
    st.text(max_size=300) | st.text('0123456789+-() ;:@<>"sipte%', max_size=60), st.text(max_size=5)
)
def test_no_text_raises_and_what_can_be_dialled_is_plain_digits(text: str, home: str) -> None:
    caller = locate(text, home)
    assert caller.input == text
    if caller.e164:
        assert caller.e164[0] == "+"
        assert caller.e164[1:].isdigit()
        assert caller.e164.isascii()
        assert 5 <= len(caller.e164) <= 16
        assert caller.kind in ("landline", "mobile", "international")
    assert (caller.city == "") == (caller.cities == ())


@st.composite
def _fixed_lines(draw: st.DrawFn) -> str:
    """A fixed line, national form without its zero."""
    area = draw(st.sampled_from([a for a in areas().values() if a.area_code == a.dialled]))
    length = draw(st.sampled_from(area.local_digits))
    first = draw(st.sampled_from("2345678"))
    return (
        area.dialled[1:]
        + first
        + draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    )


_mobiles = st.builds(
    "1{}{}".format, st.sampled_from("3456789"), st.text("0123456789", min_size=9, max_size=9)
)
_FORMS = (
    "+86{}",
    "86{}",
    "0086{}",
    "0{}",
    "+860{}",
    "+86 {}",
    "tel:+86{}",
    "<sip:0{}@192.0.2.1>",
    "179510{}",
)


@given(_fixed_lines() | _mobiles, st.sampled_from(_FORMS))
def test_every_form_of_one_number_says_the_same(number: str, form: str) -> None:
    plain = locate("+86" + number, "022")
    assert plain.kind in ("landline", "mobile")
    assert plain.e164 == "+86" + number
    other = locate(form.format(number), "022")
    assert _fields(other) == _fields(plain)


@given(_fixed_lines() | _mobiles)
def test_a_number_dialled_back_is_the_number_that_called(number: str) -> None:
    caller = locate("0" + number, "022")
    assert _fields(locate(caller.e164, "0315")) == _fields(caller)


def test_a_look_up_takes_microseconds_not_milliseconds() -> None:
    """Loose, for a busy machine; benchmarks/region.py measures. A text of the worst shape must not
    hold up the calls of others either."""
    worst = ["1 " * 127 + "a", "1-" * 128, '"' + "a" * 250, "<" * 256, "(" * 256, '"\\' * 120]
    numbers = ["18822340001", "+862253456789", "53456789", "95588", *worst]
    for caller_id in numbers:
        locate(caller_id, "022")
        best = min(_seconds(caller_id) for _ in range(5))
        assert best < 1e-3, caller_id


def _seconds(caller_id: str) -> float:
    start = time.perf_counter()
    locate(caller_id, "022")
    return time.perf_counter() - start
