"""A rule set is in force as a whole or not at all, and a mistake in it is told by line."""

import pytest
from sqlalchemy import Connection

from desk import automation
from desk.automation.check import check, shipped
from desk.automation.editions import NoSuchEdition
from desk.automation.ruleset import ACTIONS
from desk.db.engine import Database
from desk.errors import VersionConflict
from desk.house import House, declare
from desk.messages import MessageSettings, Templates
from desk.routing.errors import BadRules
from tests.desk.automation.cases import HOUSE, START, TEMPLATES, Desk, opened, rules

GOOD = "name: good\non: [ticket.opened]\ndo:\n  - note: {text: x}"
OTHER = GOOD.replace("good", "other")


def test_the_rules_that_come_along_fit_any_house_and_use_every_kind_of_action() -> None:
    for house in (House(), HOUSE):
        found, findings = check(shipped(), house, Templates(MessageSettings(), "x"))
        assert findings == []
        assert found is not None
        assert {do.action for rule in found.rules for do in rule.do} == set(ACTIONS)
        assert any(rule.timed for rule in found.rules)
    wanted = {
        *("assign", "escalate", "set_level", "notify", "mention", "sms", "email", "survey"),
        *("task", "webhook", "reopen", "link"),
    }
    assert wanted <= set(ACTIONS)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("name: R\non: [ticket.opened]\ndo:\n  - note: {text: x}", 2, "pattern"),
        ("name: r\ndo:\n  - note: {text: x}", 2, "nothing sets it off"),
        ("name: r\nin_status: resolved\ndo:\n  - note: {text: x}", 2, "needs `after` or `every`"),
        ("name: r\non: [ticket.opened]\nafter: soon\ndo:\n  - note: {text: x}", 4, "no duration"),
        ("name: r\non: [rule.ran]\ndo:\n  - note: {text: x}", 3, "no rule can follow"),
        ("name: r\non: [notice.sent]\ndo:\n  - note: {text: x}", 3, "no rule can follow"),
        ("name: r\non: [ticket.opened]\nwhen: ticket.tpye == 'x'\ndo:\n  - survey: {}", 4,
         "did you mean ticket.type"),
        ("name: r\non: [ticket.opened]\nwhen: 1 == 2\ndo:\n  - survey: {}", 4, "never holds"),
        ("name: r\non: [ticket.opened]\ndo: []", 4, "at least 1 item"),
        ("name: r\non: [ticket.opened]\ndo:\n  - survey: {}\n    note: {text: x}", 5, "exactly"),
        ("name: r\non: [ticket.opened]\ndo:\n  - fax: {}", 5, "no such key"),
        ("name: r\non: [ticket.opened]\ndo:\n  - assign: {team: 上海}", 5, "no team '上海'"),
        ("name: r\non: [ticket.opened]\ndo:\n  - assign: {}", 5, "names nobody"),
        ("name: r\non: [ticket.opened]\ndo:\n  - sms: {template: wating}", 5, "mean waiting"),
        ("name: r\non: [ticket.opened]\ndo:\n  - sms: {}", 5, "says nothing"),
        ("name: r\non: [ticket.opened]\ndo:\n  - email: {template: waiting}", 5, "no email"),
        ("name: r\non: [ticket.opened]\ndo:\n  - note: {text: '{{ secret }}'}", 5, "no field"),
        ("name: r\non: [ticket.opened]\ndo:\n  - notify: {to: ['role:'], text: x}", 5, "nobody's"),
        ("name: r\non: [ticket.opened]\ndo:\n  - set_level: {level: 5}", 5, "less than or equal"),
        ("name: r\non: [ticket.opened]\ndo:\n  - webhook: {name: 'A b'}", 5, "pattern"),
        ("name: r\nin_status: resolved\nafter: 1d\nstop: true\ndo:\n  - confirm: {}", 2, "stop"),
        (f"{GOOD}\n", 2, ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_line_with_the_mend(text: str, line: int, told: str) -> None:
    _, findings = check(rules(text), HOUSE, TEMPLATES)
    if not told:
        assert findings == []
        return
    assert any(told in str(each) for each in findings), [str(each) for each in findings]
    assert findings[0].line == line
    assert "rule r" in findings[0].place or "rule R" in findings[0].place


@pytest.mark.parametrize(
    "text", ["", "[]", "rules: 3", "rules:\n  - *a", "{", "rules: []\nextra: 1", "x" * 200_001]
)
def test_what_is_no_rule_set_is_refused(text: str) -> None:
    found, findings = check(text, HOUSE, TEMPLATES)
    assert found is None
    assert len(findings) == 1


def test_two_rules_of_one_name_are_refused() -> None:
    _, findings = check(rules(GOOD, GOOD), HOUSE, TEMPLATES)
    assert "has the name 'good'" in findings[0].what


def activate(db: Connection, *texts: str, expected: int | None = None) -> int:
    return automation.activate(
        db, rules(*texts), TEMPLATES, START, actor="agent:9001", expected=expected
    ).edition


async def test_versions_are_kept_and_one_can_go_back(db: Database) -> None:
    await db.write(declare, HOUSE, START)
    assert await db.write(activate, GOOD, expected=0) == 1
    assert await db.write(activate, OTHER, expected=1) == 2
    back = await db.write(automation.restore, 1, TEMPLATES, START, actor="agent:9001", expected=2)
    assert (back.edition, back.restores, back.content) == (3, 1, rules(GOOD))
    assert [each.edition for each in await db.read(automation.versions)] == [3, 2, 1]
    book = await db.read(automation.in_force)
    assert book is not None
    assert (book.edition, [each.name for each in book.rules]) == (3, ["good"])
    with pytest.raises(NoSuchEdition):
        await db.write(automation.restore, 9, TEMPLATES, START, actor="x")


async def test_a_wrong_rule_set_leaves_the_one_before_in_force(db: Database) -> None:
    await db.write(declare, HOUSE, START)
    await db.write(activate, GOOD)
    with pytest.raises(BadRules, match="no team"):
        await db.write(activate, GOOD, "name: b\non: [ticket.opened]\ndo:\n  - assign: {team: 无}")
    latest = await db.read(automation.latest)
    assert latest is not None
    assert latest.edition == 1


async def test_the_same_rule_set_again_is_no_new_version(db: Database) -> None:
    await db.write(declare, HOUSE, START)
    assert await db.write(activate, GOOD) == await db.write(activate, GOOD) == 1


async def test_nobody_puts_in_force_over_a_rule_set_unseen(db: Database) -> None:
    await db.write(declare, HOUSE, START)
    await db.write(activate, GOOD)
    with pytest.raises(VersionConflict, match="rule set"):
        await db.write(activate, OTHER, expected=0)


async def test_a_rule_whose_field_is_gone_rests_and_the_others_go_on(db: Database) -> None:
    with_field = House.model_validate(
        {**HOUSE.model_dump(), "fields": {"repair": {"product": {"label": "产品"}}}}
    )
    desk = Desk(db)
    await desk.begin(
        "name: a\non: [ticket.opened]\nwhen: ticket.fields.product == ''\ndo:\n  - note: {text: a}",
        GOOD,
        house=with_field,
    )
    await db.write(declare, HOUSE, START)
    await desk.do(lambda c, now: opened(c, now=now) and None)
    assert [run.rule for run in await desk.runs()] == ["good"]
