"""A list a page at a time misses nobody, and its cursors tell nothing that the list masks."""

import base64
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from desk import messages
from desk.messages import Channel
from desk.outbound import marks
from tests.desk.api.conftest import Api
from tests.rig.samples import NOW

NUMBERS = [f"+86138123456{n}{n}" for n in range(7)]


def _marked(db: Connection) -> None:
    for place, number in enumerate(NUMBERS):
        at = NOW + timedelta(minutes=place // 4)  # four were imported together, then three
        marks.put(db, number, "do_not_call", f"第{place}个", at, actor="import")
        messages.opt_out(db, Channel.SMS, number, at, actor="import", reason=f"第{place}个")


@pytest.mark.parametrize(("path", "scope"), [
    ("/api/v1/outbound/marks", "calls:place"), ("/api/v1/opt-outs", "tickets:read"),
])  # fmt: skip
async def test_pages_by_moment_show_each_once_and_their_cursors_name_nobody(
    api: Api, path: str, scope: str
) -> None:
    await api.db.write(_marked)
    headers = await api.token(scope)
    seen, cursor = [], ""
    while True:
        page = (await api.http.get(f"{path}?limit=2{cursor}", headers=headers)).json()
        seen += [each["reason"] for each in page["items"]]
        if page["next"] is None:
            break
        told = base64.urlsafe_b64decode(page["next"] + "==").decode()
        assert not any(number[3:] in told for number in NUMBERS)
        cursor = f"&cursor={page['next']}"
    assert seen == [f"第{place}个" for place in (4, 5, 6, 0, 1, 2, 3)]
    bad = await api.http.get(f"{path}?cursor=MQ", headers=headers)
    assert (bad.status_code, bad.json()["error_id"]) == (400, "bad-cursor")
