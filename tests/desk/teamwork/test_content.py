"""A file is what its content is: what it is called and declared as agrees, or it is not taken."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.teamwork.content import KINDS, BadContent, checked, told
from tests.desk.teamwork import files

ALL = tuple(KINDS)
GOOD = {
    "jpg": files.JPG,
    "png": files.PNG,
    "gif": files.GIF,
    "webp": files.WEBP,
    "pdf": files.PDF,
    "docx": files.office(),
    "xlsx": files.office("xl/workbook.xml"),
    "pptx": files.office("ppt/presentation.xml"),
    "txt": files.TXT,
    "csv": files.CSV,
    "mp3": files.MP3,
    "wav": files.wav(),
    "amr": files.AMR,
    "m4a": files.M4A,
    "mp4": files.MP4,
}


def look(data: bytes, name: str, declared: str, allowed: tuple[str, ...] = ALL) -> str:
    return checked(io.BytesIO(data), len(data), name, declared, allowed).key


@pytest.mark.parametrize("key", GOOD)
def test_each_kind_is_known_by_its_content(key: str) -> None:
    kind = KINDS[key]
    for declared in (kind.type, *kind.synonyms, f"{kind.type.upper()}; charset=utf-8"):
        assert look(GOOD[key], f"照片.{kind.endings[0].upper()}", declared) == key


@pytest.mark.parametrize("key", GOOD)
def test_no_kind_passes_for_another(key: str) -> None:
    for other, kind in KINDS.items():
        if other == key or {other, key} == {"txt", "csv"}:
            continue
        with pytest.raises(BadContent):
            look(GOOD[key], f"x.{kind.endings[0]}", kind.type)
        with pytest.raises(BadContent):
            look(GOOD[key], f"x.{kind.endings[0]}", KINDS[key].type)
        with pytest.raises(BadContent):
            look(GOOD[key], f"x.{KINDS[key].endings[0]}", kind.type)


def test_only_what_is_on_the_list_is_taken() -> None:
    with pytest.raises(BadContent, match="taken are jpg"):
        look(files.PNG, "a.png", "image/png", ("jpg",))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (files.ELF, "a.txt"),
        (files.EXE, "a.txt"),
        (files.HTML, "a.txt"),
        (files.SVG, "a.txt"),
        (b"\xef\xbb\xbf" + files.HTML, "a.txt"),
        (b"\n\t <svg onload=x>", "a.txt"),
        ("\ufeff<html>".encode("utf-16-le"), "a.txt"),
        (b"#!/bin/sh\nrm -rf /\n", "a.txt"),
        (files.archive(), "a.txt"),
        (b"\x00\x01\x02", "a.txt"),
        (b"text\x00more", "a.txt"),
        (b"text \x1b[2J", "a.txt"),
        (b"\xff\xff\xff\xff", "a.txt"),
        (b"", "a.txt"),
        (b"{\\rtf1 x}", "a.txt"),
    ],
)
def test_programs_pages_and_archives_are_no_text(data: bytes, name: str) -> None:
    with pytest.raises(BadContent):
        look(data, name, "text/plain")


@pytest.mark.parametrize(
    ("data", "ending", "declared"),
    [
        (files.PNG + files.archive(), "png", "image/png"),
        (files.JPG + files.archive(), "jpg", "image/jpeg"),
        (files.GIF + files.archive(), "gif", "image/gif"),
        (files.PDF + files.archive(), "pdf", "application/pdf"),
        (files.MP3 + files.archive(), "mp3", "audio/mpeg"),
        (files.MP4 + files.archive(), "mp4", "video/mp4"),
        (files.wav() + files.archive(), "wav", "audio/wav"),
        (files.PNG + files.HTML, "png", "image/png"),
        (files.JPG[:-2] + files.HTML + b"\xff\xd9", "jpg", "image/jpeg"),
        (files.JPG[:30] + b"<?php system($_GET[0]) ?>" + files.JPG[30:], "jpg", "image/jpeg"),
        (files.GIF[:-1] + b"<script>x</script>;", "gif", "image/gif"),
        (files.JPG[:30] + files.PDF + files.JPG[30:], "jpg", "image/jpeg"),
        (files.PNG[:-1], "png", "image/png"),
        (files.PDF[:-10], "pdf", "application/pdf"),
        (files.wav() + b"x" * 50, "wav", "audio/wav"),
    ],
)
def test_a_file_that_is_two_things_or_half_a_thing_is_refused(
    data: bytes, ending: str, declared: str
) -> None:
    with pytest.raises(BadContent):
        look(data, f"a.{ending}", declared)


@pytest.mark.parametrize(
    "data",
    [
        files.office(word__vbaProject__bin=b"x").replace(b"vbaProject/bin", b"vbaProject.bin"),
        files.office(**{"word__activeX__a.xml": b"x"}),
        files.office(**{"word__evil.exe": b"x"}),
        files.office(**{"..__up.xml": b"x"}),
        files.office(**{"xl__workbook.xml": b"x"}),
        b"#!/bin/sh\n" + files.office(),
        files.office()[:-30],
        files.archive(),
    ],
)
def test_documents_with_programs_in_them_are_refused(data: bytes) -> None:
    with pytest.raises(BadContent):
        look(data, "a.docx", KINDS["docx"].type)


def test_a_name_without_ending_or_with_a_false_one_is_refused() -> None:
    for name in ("photo", "photo.png.exe", "photo.", "photo.jpg"):
        with pytest.raises(BadContent, match="name"):
            look(files.PNG, name, "image/png")


@given(st.binary(min_size=1, max_size=300), st.sampled_from(sorted(KINDS)))
def test_no_bytes_make_it_fail_otherwise(data: bytes, key: str) -> None:
    kind = KINDS[key]
    with contextlib.suppress(BadContent):
        assert look(data, f"a.{kind.endings[0]}", kind.type) == key


def test_a_long_text_is_read_in_pieces_wherever_they_part() -> None:
    long = "空调不制冷,".encode() * 40_000
    assert told(io.BytesIO(long), len(long), "txt") == "txt"
    late = long + b"\x00"
    assert told(io.BytesIO(late), len(late), "txt") == ""
