"""Rule sets: nothing becomes active that is half wrong, and everything that was active is kept."""

from pathlib import Path

import pytest
from sqlalchemy import Connection

from desk import routing, timeline
from desk.db.engine import Database
from desk.errors import VersionConflict
from desk.house import House
from desk.routing import BadRules, NoSuchRuleSet, check
from tests.desk.routing.houses import HOUSE, declare
from tests.rig.samples import NOW

LEVELS = "levels: {1: {name: 重大}, 2: {name: 严重}, 3: {name: 一般}, 4: {name: 轻微}}\n"
HEAD = f'default_team: national\nregions: {{"022": tianjin}}\n{LEVELS}'
SHIPPED = Path(__file__).parents[3] / "routing.yaml"


def told(text: str, house: House = HOUSE) -> list[tuple[int, str]]:
    return [
        (each.line, f"{each.place}: {each.what}; {each.mend}") for each in check(text, house)[1]
    ]


def rules(*lines: str) -> str:
    return HEAD + "rules:\n" + "\n".join(lines) + "\n"


def test_a_set_that_is_right_has_no_findings() -> None:
    text = rules("  - {name: a, when: ticket.level == 1, then: {team: tianjin, skill: repair}}")
    assert told(text) == []


WRONG = rules(
    "  - name: one",
    '    when: ticket.typ == "complaint"',
    "    then: {team: tianjn, skill: magic}",
    "  - name: two",
    "    when: |",
    "      ticket.level == 1 and",
    "      ticket.priority == 'x'",
    "    then: {type: gone, watchers: ['agent:']}",
    "  - name: all",
    "    then: {level: 4}",
    "  - name: never",
    "    when: false",
    "    then: {level: 3}",
    "  - name: one",
    "    then: {level: 1}",
)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (6, "rule one, when: no fact 'ticket.typ'"),
        (7, "rule one, then.team: no team 'tianjn'; did you mean tianjin"),
        (7, "rule one, then.skill: no skill 'magic'; there are repair, software"),
        (11, "rule two, when: ticket.priority (a number) is compared with a text"),
        (12, "rule two, then.type: no ticket type 'gone'"),
        (12, "rule two, then.watchers.0: 'agent:' is nobody's address"),
        (15, "rule never: it is never reached: rule all before it always holds"),
        (16, "rule never, when: it never holds"),
        (18, "rule one: it is never reached"),
        (18, "rule one, name: rule 1 has the name 'one'"),
    ],
)
def test_every_mistake_is_told_at_once_with_line_and_mend(line: int, says: str) -> None:
    assert any(at == line and text.startswith(says) for at, text in told(WRONG)), told(WRONG)


def test_findings_come_in_the_order_of_the_file() -> None:
    lines = [line for line, _ in told(WRONG)]
    assert lines == sorted(lines)


def test_a_rule_that_goes_on_hides_none_after_it() -> None:
    text = rules("  - {name: a, then: {level: 4}, go_on: true}", "  - {name: b, then: {level: 3}}")
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no rule set"),
        ("- 1", "no rule set"),
        (HEAD + "rules: [", "not valid YAML"),
        (HEAD + "default_team: x\n", "twice"),
        (HEAD.replace("national", "&a national").replace("tianjin", "*a"), "an alias"),
        (HEAD.replace('"022"', '"0222"'), "no area code"),
        (HEAD.replace("national", "natonal"), "did you mean national"),
        (HEAD.replace("4: {name: 轻微}", "5: {name: 轻微}"), "less than or equal to 4"),
        (HEAD.replace(", 4: {name: 轻微}", ""), "4 is missing"),
        (rules("  - {name: a, then: {}}"), "gives nothing"),
        (rules("  - {name: a, then: {levl: 1}}"), "no such key"),
        (rules("  - {name: A b, then: {level: 1}}"), "pattern"),
        ("[" * 10_000, "nested too deeply"),
        ("a" * 60_001, "longer than"),
    ],
)
def test_a_form_that_cannot_be_is_refused(text: str, says: str) -> None:
    found = check(text, HOUSE)[1]
    assert any(says in str(each) and each.fatal for each in found), found


def test_a_skill_that_nobody_of_the_team_has_is_a_hint_and_no_error() -> None:
    text = rules("  - {name: a, then: {team: tianjin, skill: software}}")
    [finding] = check(text, HOUSE)[1]
    assert not finding.fatal
    assert "nobody in the team tianjin" in finding.what


def test_a_field_of_a_ticket_type_is_a_fact_of_its_kind() -> None:
    right = "  - {name: a, when: ticket.fields.pieces > 3, then: {level: 2}}"
    wrong = "  - {name: a, when: ticket.fields.product > 3, then: {level: 2}}"
    assert told(rules(right)) == []
    assert told(rules(wrong))


async def test_only_a_whole_right_set_becomes_active(db: Database) -> None:
    def work(c: Connection) -> None:
        declare(c)
        with pytest.raises(BadRules) as refused:
            routing.activate(c, WRONG, NOW, actor="boss")
        assert len(refused.value.findings) >= 9
        assert routing.in_force(c) is None

    await db.write(work)


async def test_editions_are_kept_with_who_and_when_and_going_back_is_a_new_one(
    db: Database,
) -> None:
    first = rules("  - {name: a, then: {level: 4}}")
    second = rules("  - {name: b, then: {level: 3}}")

    def work(c: Connection) -> None:
        declare(c)
        routing.activate(c, first, NOW, actor="boss", note="开始")
        routing.activate(c, second, NOW, actor="lead")
        assert routing.activate(c, second, NOW, actor="lead").edition == 2, "the same again"
        routing.restore(c, 1, NOW, actor="boss")
        found = routing.versions(c)
        assert [(e.edition, e.actor, e.note, e.restores) for e in found] == [
            (3, "boss", "开始", 1),
            (2, "lead", "", None),
            (1, "boss", "开始", None),
        ]
        book = routing.in_force(c)
        assert book is not None
        assert (book.edition, book.rules.rules[0].name) == (3, "a")
        with pytest.raises(NoSuchRuleSet):
            routing.restore(c, 9, NOW, actor="boss")
        kinds = [entry.kind for entry in timeline.entries_after(c, 0, 10)]
        assert kinds == ["ruleset.activated"] * 3

    await db.write(work)


async def test_who_has_not_seen_the_set_in_force_does_not_replace_it(db: Database) -> None:
    def work(c: Connection) -> None:
        declare(c)
        routing.activate(c, rules("  - {name: a, then: {level: 4}}"), NOW, actor="a", expected=0)
        with pytest.raises(VersionConflict):
            routing.activate(
                c, rules("  - {name: b, then: {level: 4}}"), NOW, actor="b", expected=0
            )

    await db.write(work)


async def test_a_field_that_the_house_no_longer_has_stops_no_rule(db: Database) -> None:
    text = rules(
        '  - {name: a, when: ticket.fields.product == "空调", then: {level: 1}}',
        "  - {name: b, then: {level: 4}}",
    )

    def work(c: Connection) -> None:
        declare(c)
        routing.activate(c, text, NOW, actor="boss")
        declare(c, fields={})
        book = routing.in_force(c)
        assert book is not None
        assert routing.decide(book, {}).rules == ("b",)
        with pytest.raises(BadRules):
            routing.restore(c, 1, NOW, actor="boss")

    await db.write(work)


def test_the_set_that_we_ship_fits_the_configuration_that_we_ship() -> None:
    from ari_app.house import house_of
    from ari_app.settings import load

    house = house_of(load(SHIPPED.parent / "config.yaml"))
    findings = check(SHIPPED.read_text(encoding="utf-8"), house)[1]
    assert [str(each) for each in findings if each.fatal] == []
