"""No attachment without its file, no file for ever without its attachment, whoever dies when."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from desk import timeline
from desk.db.engine import Database
from desk.recordings import FileMissing, Keys
from desk.teamwork import attachments
from desk.teamwork.attachments import NewAttachment, NoSuchAttachment, TooManyAttachments
from desk.teamwork.content import KINDS, BadContent
from desk.teamwork.settings import MIB, AttachmentSettings
from desk.teamwork.shelf import Shelf, sweep
from tests.desk.lifecycle.cases import AGENT, opened
from tests.desk.teamwork import files
from tests.rig.samples import NOW, count

LATER = NOW + timedelta(days=2)
SETTINGS = AttachmentSettings(most_per_ticket=3, ticket_mib=2)


@pytest.fixture(params=["open", "encrypted"])
def shelf(tmp_path: Path, request: pytest.FixtureRequest) -> Shelf:
    encrypt = request.param == "encrypted"
    return Shelf(tmp_path / "shelf", SETTINGS, Keys(b"k" * 32) if encrypt else None,
                 encrypt=encrypt)  # fmt: skip


def put(shelf: Shelf, data: bytes = files.PNG, name: str = "照片.png", declared: str = "image/png"
        ) -> NewAttachment:  # fmt: skip
    with shelf.intake() as intake:
        for place in range(0, len(data), 7):
            intake.write(data[place : place + 7])
        kept = intake.commit()
    kind = shelf.examine(kept, name, declared)
    return NewAttachment(
        Path(kept.path).name, name, kind.type, kept.bytes, kept.sha256, kept.encrypted
    )


async def add(db: Database, new: NewAttachment, ticket_id: int = 1) -> attachments.Attachment:
    found, fresh = await db.write(attachments.add, ticket_id, new, NOW, by=AGENT, settings=SETTINGS)
    assert fresh
    return found


def fake(number: int, size: int = 10) -> NewAttachment:
    return NewAttachment(f"f{number}.file", f"{number}.png", "image/png", size, "ab" * 32, False)


async def test_a_file_comes_back_as_it_went(db: Database, shelf: Shelf) -> None:
    await db.write(opened)
    found = await add(db, put(shelf))
    with shelf.open(found) as file:
        assert b"".join(file.blocks()) == files.PNG
    [path] = shelf.store.folder.iterdir()
    assert path.stat().st_mode & 0o077 == 0, "nobody else on the machine reads it"
    assert "照片" not in path.name
    assert (files.PNG in path.read_bytes()) is not found.encrypted
    assert await db.read(attachments.of_ticket, 1) == [found]


async def test_a_refused_file_leaves_nothing(shelf: Shelf) -> None:
    with pytest.raises(BadContent):
        put(shelf, files.PNG + files.archive())
    with pytest.raises(BadContent):
        put(shelf, files.office(word__x__exe=b"x") + b"trailing", "a.docx", "x/y")
    assert list(shelf.store.folder.iterdir()) == []


async def test_documents_are_examined_wherever_they_lie(shelf: Shelf) -> None:
    new = put(shelf, files.office(), "a.docx", KINDS["docx"].type)
    assert new.type == KINDS["docx"].type


async def test_a_ticket_takes_so_many_files_and_bytes_and_no_more(db: Database) -> None:
    await db.write(opened)
    await add(db, fake(1, MIB))
    with pytest.raises(TooManyAttachments, match="100014"):
        await add(db, fake(2, MIB + 1))
    await add(db, fake(2))
    await add(db, fake(3))
    with pytest.raises(TooManyAttachments, match="3 files"):
        await add(db, fake(4))
    await db.write(attachments.delete, 1, 1, NOW, by=AGENT)
    await add(db, fake(4))


async def test_a_repeated_upload_is_the_same_attachment(db: Database) -> None:
    await db.write(opened)
    one = await add(db, fake(1))
    again = NewAttachment("other.file", "1.png", "image/png", 10, one.sha256, False)
    there, fresh = await db.write(attachments.add, 1, again, NOW, by=AGENT, settings=SETTINGS)
    assert (there, fresh) == (one, False)
    assert await db.read(count, "attachments") == 1


async def test_another_tickets_attachment_is_not_found(db: Database) -> None:
    await db.write(opened, "c1")
    await db.write(opened, "c2")
    await add(db, fake(1))
    with pytest.raises(NoSuchAttachment):
        await db.read(attachments.find, 2, 1)
    with pytest.raises(NoSuchAttachment):
        await db.write(attachments.delete, 2, 1, NOW, by=AGENT)


async def test_each_reading_is_on_the_record_once_a_minute(db: Database) -> None:
    await db.write(opened)
    await add(db, fake(1))
    read = attachments.accessed
    assert await db.write(read, 1, 1, NOW, actor="agent:8001")
    assert not await db.write(read, 1, 1, NOW + timedelta(seconds=59), actor="agent:8001")
    assert await db.write(read, 1, 1, NOW, actor="agent:8002")
    assert await db.write(read, 1, 1, NOW + timedelta(minutes=2), actor="agent:8001")
    await db.write(attachments.delete, 1, 1, NOW, by=AGENT)
    entries = await db.read(timeline.entries_after, 0, 99, ticket_id=1)
    kinds = [entry.kind for entry in entries if entry.kind.startswith("attachment.")]
    assert kinds == ["attachment.added", *["attachment.accessed"] * 3, "attachment.deleted"]


async def test_what_an_upload_left_when_it_broke_off_is_swept_away(
    db: Database, shelf: Shelf
) -> None:
    await db.write(opened)
    kept = await add(db, put(shelf))
    put(shelf)  # the process died before the row was written
    with shelf.intake() as intake:
        intake.write(b"x")
        os.link(intake._part, intake._part.with_name("left.part"))  # as a kill leaves it
    gone = await add(db, put(shelf, files.GIF, "a.gif", "image/gif"))
    await db.write(attachments.delete, 1, gone.id, NOW, by=AGENT)  # and before the file was deleted
    assert len(list(shelf.store.folder.iterdir())) == 4
    now = NOW
    old = (now - timedelta(days=2)).timestamp()
    assert await sweep(db, shelf, now - timedelta(days=3650)) == 0, "what is young may get its row"
    for path in shelf.store.folder.iterdir():
        os.utime(path, (old, old))
    assert await sweep(db, shelf, now) == 3
    assert await sweep(db, shelf, now) == 0
    assert [path.name for path in shelf.store.folder.iterdir()] == [kept.file]


async def test_a_lost_file_is_told_and_not_hidden(
    db: Database, shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    await db.write(opened)
    found = await add(db, put(shelf))
    shelf.delete(found)
    with pytest.raises(FileMissing):
        shelf.open(found)
    await sweep(db, shelf, LATER)
    assert "attachments without their files" in capsys.readouterr().out


async def test_what_lay_open_before_is_encrypted_and_still_read(
    db: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await db.write(opened)
    before = Shelf(tmp_path / "shelf", SETTINGS)
    found, lost = await add(db, put(before)), await add(db, put(before, name="b.png"))
    before.delete(lost)
    shelf = Shelf(tmp_path / "shelf", SETTINGS, Keys(b"k" * 32), encrypt=True)
    with shelf.open(found) as file:
        assert b"".join(file.blocks()) == files.PNG, "until then it is read as it is"
    for _ in range(2):
        assert await sweep(db, shelf, NOW) == 0
    [path] = shelf.store.folder.iterdir()
    assert files.PNG not in path.read_bytes()
    now = await db.read(attachments.find, 1, found.id)
    assert (now.encrypted, now.file, now.sha256) == (True, path.name, found.sha256)
    with shelf.open(now) as file:
        assert b"".join(file.blocks()) == files.PNG
    assert "attachment not encrypted" in capsys.readouterr().out
