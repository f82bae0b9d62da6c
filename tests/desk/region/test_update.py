"""`huisheng region update`: a broken file must never replace a table that works."""

from pathlib import Path

import pytest

from desk.region import RegionTable, RegionTableError, locate
from desk.region.table import updated_path
from desk.region.update import SegmentFileError, read_update

HEADER = "prefix,province,city,area_code,carrier\n"
GOOD = "1300000,山东,济南,0531,联通\n"


def _file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "segments.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_newer_table_answers_after_it_was_saved(tmp_path: Path) -> None:
    path = _file(tmp_path, HEADER + "1909519,宁夏,固原,0954,电信\n1882234,北京,北京,010,移动\n")
    update = read_update(path)
    assert (update.read, update.new, update.changed) == (2, 1, 1)
    update.table.save(tmp_path)
    table = RegionTable.load(tmp_path)
    assert locate("19095190001", table=table).city == "固原"
    assert locate("18822340001", table=table).area_code == "010"
    assert locate("13800220000", table=table) == locate("13800220000")
    assert len(table) == len(RegionTable.builtin()) + 1
    assert "segments.csv" in table.source


def test_a_file_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    text = "\ufeff" + HEADER + '"1909519","宁夏","固原","0954",""\n'
    update = read_update(_file(tmp_path, text.replace("\n", "\r\n")))
    assert locate("19095190001", table=update.table).city == "固原"


def test_area_codes_merged_away_become_those_of_today(tmp_path: Path) -> None:
    update = read_update(_file(tmp_path, HEADER + "1909519,山东,莱芜,0634,电信\n"))
    caller = locate("19095190001", table=update.table)
    assert (caller.province, caller.city, caller.area_code) == ("山东", "济南", "0531")


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("", 1, "empty"),
        ("1300000,山东,济南,0531,联通\n", 1, "first line"),
        ("segment,province,city,area_code,carrier\n" + GOOD, 1, "first line"),
        (HEADER, 2, "no segment"),
        (HEADER + GOOD + "\n", 3, "0 columns"),
        (HEADER + GOOD + "1300001,江苏,常州,0519\n", 3, "4 columns"),
        (HEADER + GOOD + "1300001,江苏,常州,0519,联通,x\n", 3, "6 columns"),
        (HEADER + GOOD + "1300001,江苏,常", 3, "3 columns"),
        (HEADER + "130000,山东,济南,0531,联通\n", 2, "no segment"),
        (HEADER + "1200000,山东,济南,0531,联通\n", 2, "no segment"),
        (HEADER + "13000000,山东,济南,0531,联通\n", 2, "no segment"),
        (HEADER + "1300０00,山东,济南,0531,联通\n", 2, "no segment"),
        (HEADER + "-130000,山东,济南,0531,联通\n", 2, "no segment"),
        (HEADER + "1300000,,济南,0531,联通\n", 2, "province"),
        (HEADER + "1300000,山东,,0531,联通\n", 2, "city"),
        (HEADER + "1300000,山东, 济南,0531,联通\n", 2, "city"),
        (HEADER + "1300000,山东,济\x1b南,0531,联通\n", 2, "city"),
        (HEADER + f"1300000,山东,{'济' * 21},0531,联通\n", 2, "city"),
        (HEADER + "1300000,山东,济南,531,联通\n", 2, "area code"),
        (HEADER + "1300000,山东,济南,250000,联通\n", 2, "area code"),
        (HEADER + "1300000,山东,济南,,联通\n", 2, "area code"),
        (HEADER + GOOD + GOOD, 3, "line 2 already"),
        (HEADER + GOOD + '1300001,"江苏,常州,0519,联通\n', 3, "one segment per line"),
        ((HEADER + GOOD).encode() + "1300001,江苏,常州,0519,联通\n".encode("gb18030"), 3, "UTF-8"),
        ((HEADER + GOOD).encode() + b"\xff\xfe", 3, "UTF-8"),
        (HEADER + GOOD + "1" * 10_000_000, 3, "line this long"),
        (b"PK\x03\x04" + b"\x00" * 1_000, 1, "line this long"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, line: int, says: str
) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(SegmentFileError) as caught:
        read_update(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in str(caught.value)
    assert caught.value.line == line


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    rows = "".join(f"{1300000 + n},山东,济南,0531,联通\n" for n in range(12_000))
    path = _file(tmp_path, HEADER + rows)
    seen: list[int] = []
    read_update(path, seen.append)
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1] == path.stat().st_size


def test_without_an_update_the_builtin_table_answers(tmp_path: Path) -> None:
    assert RegionTable.load(tmp_path) is RegionTable.builtin()
    assert RegionTable.load(None) is RegionTable.builtin()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b"x" * 5_000,
        lambda data: data[:5_000] + bytes([data[5_000] ^ 1]) + data[5_001:],
    ],
)
def test_a_damaged_table_is_named_with_its_mend(tmp_path: Path, damage) -> None:
    path = RegionTable.builtin().save(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RegionTableError, match="region update") as caught:
        RegionTable.load(tmp_path)
    assert str(path) in str(caught.value)


def test_an_update_that_cannot_be_written_leaves_the_old_table_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = RegionTable.builtin().save(tmp_path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        RegionTable.builtin().save(tmp_path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert updated_path(tmp_path) == path
