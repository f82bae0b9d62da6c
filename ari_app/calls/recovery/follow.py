"""Following a file that Asterisk appends to, across restarts of ours, without reading it twice.

Asterisk opens such a file anew for each line, so it may be renamed beside a writer: what was being
written at that moment goes to the renamed file, whose rest is read before the new one.
"""

from pathlib import Path

import msgspec

MOST_READ = 4 << 20
OLD = ".1"  # what a rotated file is called from then on; the one before it is deleted


class Cursor(msgspec.Struct, frozen=True):
    """How far a file has been read: up to `offset` of the file with this inode number."""

    inode: int = 0
    offset: int = 0


def read_lines(path: Path, cursor: Cursor) -> tuple[list[str], Cursor]:
    """Whole lines behind the cursor, at most `MOST_READ` bytes, and the cursor behind them.
    Nothing if there is no file. Call it again until nothing comes.

    Raises:
        OSError: a file is there and cannot be read.
    """
    rotated = path.with_name(path.name + OLD)
    if cursor.inode and _inode(path) != cursor.inode and _inode(rotated) == cursor.inode:
        lines, after = _read(rotated, cursor, last=True)
        if lines:
            return lines, after
    return _read(path, cursor, last=False)


def rotate(path: Path, cursor: Cursor, most: int) -> bool:
    """Put a file of more than `most` bytes aside once all of it is read; whether that was done.

    Raises:
        OSError: it may not be renamed.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if status.st_ino != cursor.inode or cursor.offset < status.st_size or status.st_size <= most:
        return False
    path.replace(path.with_name(path.name + OLD))
    return True


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return -1


def _read(path: Path, cursor: Cursor, *, last: bool) -> tuple[list[str], Cursor]:
    inode = _inode(path)
    if inode == -1:
        return [], cursor
    with path.open("rb") as file:
        offset = cursor.offset if inode == cursor.inode else 0
        if offset > file.seek(0, 2):
            offset = 0  # somebody has emptied the file
        file.seek(offset)
        data = file.read(MOST_READ)
    whole = data[: data.rfind(b"\n") + 1]
    # A line without an end is being written, unless nobody writes to this file any more, or no
    # line is so long.
    if (last and len(data) < MOST_READ) or (not whole and len(data) == MOST_READ):
        whole = data
    text = whole.decode(errors="replace")
    return text.split("\n") if text else [], Cursor(inode, offset + len(whole))
