"""Can the notes be read back, whatever a carrier sent and however the file ends?"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.notes import Note, parse, read

RECEIVED = "received,1795307695,huisheng-1795307695.0,4001234567,PJSIP%2Fcarrier-00000000,%2B8613"


def test_a_call_is_read_back_as_it_was_noted():
    assert list(parse([RECEIVED])) == [
        Note(
            "received",
            datetime.fromtimestamp(1795307695, UTC),
            "huisheng-1795307695.0",
            line_number="4001234567",
            channel_name="PJSIP/carrier-00000000",
            caller_id="+8613",
        )
    ]


def test_a_withheld_number_is_empty():
    (note,) = parse([RECEIVED.rpartition(",")[0] + ","])
    assert note.caller_id == ""


def test_a_line_that_a_crash_cut_off_does_not_hide_the_others(tmp_path: Path):
    path = tmp_path / "calls.csv"
    path.write_text(f"{RECEIVED}\nfallback,17953\nmessage,1795307700,huisheng-1.0,huisheng-1.0.wav")
    assert [note.kind for note in read(path)] == ["received", "message"]


def test_no_call_yet_means_no_file_yet(tmp_path: Path):
    assert read(tmp_path / "calls.csv") == []


def test_a_note_that_follows_a_cut_one_in_the_same_line_is_not_lost_with_it():
    """A disk that was full for a moment leaves a line without an end."""
    cut = RECEIVED[:40]
    found = list(
        parse([f"{cut}fallback,1795307700,huisheng-2.0", f"xended,1795307701,{'c' * 9},16"])
    )
    assert [(note.kind, note.channel_id) for note in found] == [
        ("fallback", "huisheng-2.0"),
        ("ended", "ccccccccc"),
    ]


@pytest.mark.parametrize("cause", ["", "x", "²", "-1", "9" * 500])
def test_a_cause_that_is_no_number_does_not_hide_the_end(cause: str):
    (note,) = parse([f"ended,1795307700,huisheng-1.0,{cause}"])
    assert note.kind == "ended"


@given(st.lists(st.text()))
def test_garbage_is_never_an_error(lines: list[str]):
    list(parse(lines))


KINDS = st.sampled_from(["received", "fallback", "message", "ended"])
FIELD = st.text(st.characters(exclude_characters="\n"), max_size=12)


@given(KINDS, st.text("0123456789²-", max_size=14), st.lists(FIELD, max_size=6))
def test_nearly_a_note_is_never_an_error(kind: str, epoch: str, fields: list[str]):
    list(parse([",".join([kind, epoch, *fields])]))
