"""How many rules in a row brought something about: what the loop guard goes by.

A run knows the entries that it wrote, on whatever ticket. What follows later from a message or a
task of a run (it was sent, it is late) is told by its key, which names the run; and a timer counts
from the entry that set it. What people do begins a new row.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, select

from desk.db.schema.automation import automation_runs as runs
from desk.db.schema.automation import messages, tasks
from desk.timeline import WRITTEN

ACTOR = "automation:"
SYSTEM = "system"
_KEYS: Mapping[str, tuple[Column[Any], Column[Any]]] = {
    "message_id": (messages.c.id, messages.c.key),
    "task_id": (tasks.c.id, tasks.c.key),
}


@contextmanager
def written(db: Connection) -> Iterator[list[int]]:
    """The entries that are written in the block, as they come. Who undoes some takes them out."""
    seqs: list[int] = []
    info = db.info
    info[WRITTEN] = seqs
    try:
        yield seqs
    finally:
        info.pop(WRITTEN, None)


def depth_of(db: Connection, seq: int) -> int:
    """How many rules in a row brought an entry about: 0 where it was no rule."""
    query = (
        select(runs.c.depth, runs.c.after_seq)
        .where(runs.c.last_seq >= seq, runs.c.last_seq > runs.c.after_seq)
        .order_by(runs.c.last_seq)
        .limit(1)
    )
    found = db.execute(query).first()
    return found.depth + 1 if found is not None and found.after_seq < seq else 0


def depth_after(db: Connection, seq: int, actor: str, body: Mapping[str, Any]) -> int:
    """Likewise, where the entry may tell of something that a run has left behind."""
    depth = depth_of(db, seq)
    if depth or actor != SYSTEM:
        return depth
    for name, (ident, key) in _KEYS.items():
        if isinstance(body.get(name), int):
            made = db.execute(select(key).where(ident == body[name])).scalar()
            return _depth_of_run(db, made or "")
    return 0


def key_of(rule: str, cause: str, number: int) -> str:
    """Of what an action of a run makes; the same key is made once."""
    return f"{ACTOR}{rule}:{cause}:{number}"


def _depth_of_run(db: Connection, key: str) -> int:
    rule, _, rest = key.removeprefix(ACTOR).partition(":")
    if not key.startswith(ACTOR):
        return 0
    cause = rest.rpartition(":")[0]
    query = select(runs.c.depth).where(runs.c.rule == rule, runs.c.cause == cause)
    found = db.execute(query).scalar()
    return 0 if found is None else found + 1
