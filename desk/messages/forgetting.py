"""Forgetting what was written to whom, and answered: after a time only that it happened is kept."""

from datetime import datetime

from sqlalchemy import Connection, String, cast, func, literal, literal_column, select, update

from desk.db.schema.automation import messages, replies

# A literal, not a parameter: only so do both databases see that the partial indexes apply.
_NOTHING = literal_column("''", String)
_KEPT = messages.c.text != _NOTHING
_KEPT_REPLIES = replies.c.sender != _NOTHING


def forget(db: Connection, before: datetime, limit: int) -> int:
    """Blank numbers and words of up to `limit` messages that were over, and as many answers that
    came, before that moment, oldest first; how many. Their rows stay, and so the counts.
    """
    ended = messages.c.ended_at
    old = select(messages.c.id).where(_KEPT, ended < before).order_by(ended).limit(limit)
    words = {"recipient": "", "subject": "", "text": "", "reason": "", "provider_id": ""}
    gone = db.execute(update(messages).where(messages.c.id.in_(old)).values(**words)).rowcount
    came = replies.c.at
    old = select(replies.c.id).where(_KEPT_REPLIES, came < before).order_by(came).limit(limit)
    named = literal("forgotten:") + cast(replies.c.id, String)  # it may hold number and words
    values = {"sender": "", "text": "", "provider_id": named}
    forgotten = update(replies).where(replies.c.id.in_(old))
    return gone + db.execute(forgotten.values(values)).rowcount


def oldest(db: Connection) -> datetime | None:
    """When the oldest was over of those that are kept in full."""
    ended = select(func.min(messages.c.ended_at)).where(_KEPT)
    came = select(func.min(replies.c.at)).where(_KEPT_REPLIES)
    moments = (db.execute(ended).scalar(), db.execute(came).scalar())
    return min((at for at in moments if at is not None), default=None)
