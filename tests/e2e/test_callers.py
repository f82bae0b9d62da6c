"""Who calls, and from where: known before the first prompt, and never guessed."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio

from ari_app.sip_caller import HangUp, Press, Wait
from desk import customers
from desk.customers import Customer
from tests.e2e.line_rig import (
    OPEN_HOURS,
    Story,
    TestLine,
    Visit,
    beijing,
    tianjin,
    tianjin_mobile,
)

pytestmark = pytest.mark.asterisk

COMPLAINS = (Wait(0.6), Press("1"), Wait(0.3), HangUp())
KNOWN, SHARED, WITHHELD = tianjin(), tianjin_mobile(), tianjin()
VISITS = {
    "land line": Visit(tianjin(), COMPLAINS),
    "mobile": Visit(tianjin_mobile(), COMPLAINS),
    "elsewhere": Visit(beijing(), COMPLAINS),
    "abroad": Visit("+442079460018", COMPLAINS),
    "withheld": Visit(WITHHELD, COMPLAINS, {"privacy": True, "display_name": "Zhang San"}),
    "known": Visit(KNOWN, COMPLAINS),
    "shared number": Visit(SHARED, COMPLAINS),
}
CSV = f"""name,company,level,numbers
张三,三元公司,VIP,{WITHHELD}
李四,四方公司,金牌,{KNOWN[:3]}-{KNOWN[3:]}
王五,五洲公司,普通,+86 {SHARED}
赵六,五洲公司,普通,{SHARED}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def known(shared_line: TestLine) -> AsyncIterator[dict[str, Customer]]:
    """The company's customers, imported from a spreadsheet, by name."""
    db = shared_line.running.line.db
    report = await db.write(_import, OPEN_HOURS)
    assert report.created == 4
    yield {customer.name: customer for customer in await db.read(customers.search)}


def _import(db: object, now: datetime) -> customers.ImportReport:
    return customers.import_csv(db, CSV, now)  # type: ignore[arg-type]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visited(known: dict[str, Customer], stories: dict[str, Story]) -> dict[str, Story]:
    """The module's calls, placed after the import."""
    return stories


@pytest.mark.parametrize(
    ("name", "kind", "region", "labels"),
    [
        ("land line", "landline", ("天津", "天津", "022"), ("地区:天津",)),
        ("mobile", "mobile", ("天津", "天津", "022"), ("地区:天津",)),
        ("elsewhere", "landline", ("北京", "北京", "010"), ("地区:北京",)),
        ("abroad", "international", ("", "", ""), ()),
    ],
)
def test_region_of_a_caller_is_in_call_and_ticket(
    visited: dict[str, Story], name: str, kind: str, region: tuple[str, ...], labels: tuple[str]
) -> None:
    story = visited[name]
    for caller in (story.call.caller, story.ticket.caller if story.ticket else None):
        assert caller is not None
        assert caller.kind == kind
        assert (caller.province, caller.city, caller.area_code) == region
    assert story.ticket is not None
    assert story.ticket.labels == labels
    assert story.ticket.customer_id is None


def test_customer_is_known_before_the_first_prompt(
    visited: dict[str, Story], known: dict[str, Customer]
) -> None:
    story, customer = visited["known"], known["李四"]
    received = story.entries[0]
    assert received.kind == "call.received"
    assert received.body is not None
    assert received.body["customer_ids"] == [customer.id]
    assert story.call.customer_ids == (customer.id,)
    assert story.ticket is not None
    assert story.ticket.customer_id == customer.id
    assert story.ticket.candidate_customer_ids == ()


def test_two_customers_with_one_number_are_both_shown_and_none_is_guessed(
    visited: dict[str, Story], known: dict[str, Customer]
) -> None:
    story, both = visited["shared number"], (known["王五"].id, known["赵六"].id)
    assert story.call.customer_ids == both
    assert story.ticket is not None
    assert story.ticket.customer_id is None
    assert story.ticket.candidate_customer_ids == both


class TestWithheldNumber:
    def test_caller_is_served_without_region_or_customer(self, visited: dict[str, Story]) -> None:
        story = visited["withheld"]
        assert story.result.status == 200
        assert story.call.state["walk"]["menu"] == "main"
        for caller in (story.call.caller, story.ticket.caller if story.ticket else None):
            assert caller is not None
            assert (caller.kind, caller.e164, caller.area_code) == ("hidden", "", "")
        assert story.call.customer_ids == ()
        assert story.ticket is not None
        assert story.ticket.type == "complaint"
        assert story.ticket.labels == ()
        assert story.ticket.customer_id is None

    def test_number_and_name_stand_in_no_file_of_the_line(
        self, visited: dict[str, Story], shared_line: TestLine
    ) -> None:
        assert visited["withheld"].call.ended_at is not None
        state = shared_line.settings.state_dir
        customer_data = {"huisheng.db", "huisheng.db-wal"}  # 张三 is a customer with that number
        files = [f for f in state.rglob("*") if f.is_file() and f.name not in customer_data]
        assert any(f.name == "calls.csv" for f in files)
        for file in files:
            content = file.read_bytes()
            assert WITHHELD.encode() not in content, file
            assert b"Zhang San" not in content, file

    async def test_number_stands_in_no_row_of_the_desk_but_the_customers(
        self, visited: dict[str, Story], shared_line: TestLine
    ) -> None:
        story = visited["withheld"]
        assert WITHHELD[1:] not in repr((story.call, story.ticket, story.entries))
