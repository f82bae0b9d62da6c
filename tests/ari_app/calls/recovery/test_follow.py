"""Is every line that Asterisk appends read once, beside a writer and across renames?"""

from pathlib import Path

import pytest

from ari_app.calls.recovery import follow
from ari_app.calls.recovery.follow import Cursor, read_lines, rotate


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def everything(path: Path, cursor: Cursor) -> tuple[list[str], Cursor]:
    found: list[str] = []
    while True:
        lines, cursor = read_lines(path, cursor)
        if not lines:
            return found, cursor
        found += [line for line in lines if line]


def test_a_line_that_is_being_written_is_read_once_it_is_whole(tmp_path: Path):
    path = tmp_path / "calls.csv"
    append(path, "one\ntw")
    lines, cursor = everything(path, Cursor())
    assert lines == ["one"]
    append(path, "o\nthree\n")
    assert everything(path, cursor)[0] == ["two", "three"]


def test_what_was_written_while_the_file_was_put_aside_is_not_lost(tmp_path: Path):
    path = tmp_path / "calls.csv"
    append(path, "one\n")
    _, cursor = everything(path, Cursor())
    writer = path.open("a")  # Asterisk, in the middle of it
    assert rotate(path, cursor, 1)
    assert everything(path, cursor) == ([], cursor)
    writer.write("two\n")
    writer.close()
    append(path, "three\n")
    lines, cursor = everything(path, cursor)
    assert lines == ["two", "three"]
    assert everything(path, cursor) == ([], cursor)


def test_a_file_is_put_aside_only_when_all_of_it_was_read_and_it_is_long(tmp_path: Path):
    path = tmp_path / "calls.csv"
    assert not rotate(path, Cursor(), 1)
    append(path, "one\n")
    _, cursor = everything(path, Cursor())
    assert not rotate(path, cursor, 100)
    append(path, "two\n")
    assert not rotate(path, cursor, 1)
    lines, cursor = everything(path, cursor)
    assert lines == ["two"]
    assert rotate(path, cursor, 1)
    append(path, "three\n")
    assert not rotate(path, cursor, 1)  # the rest of the old file was not looked for yet
    lines, cursor = everything(path, cursor)
    assert lines == ["three"]


def test_a_file_that_somebody_emptied_is_read_from_its_beginning(tmp_path: Path):
    path = tmp_path / "calls.csv"
    append(path, "one\ntwo\n")
    _, cursor = everything(path, Cursor())
    path.write_text("new\n")
    assert everything(path, cursor)[0] == ["new"]


def test_a_long_file_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follow, "MOST_READ", 64)
    path = tmp_path / "calls.csv"
    written = [f"line {number}" for number in range(100)]
    append(path, "\n".join(written) + "\n" + "x" * 500 + "\nlast\n")
    lines, cursor = everything(path, Cursor())
    assert lines[:100] == written
    assert "".join(lines[100:]) == "x" * 500 + "last"
    assert cursor.offset == path.stat().st_size
