"""The demo's talk: it finds a person in any menus, and what it shows is what happened."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ari_app.demo.lines import agents_port, staffed
from ari_app.demo.plan import TALK, TalkPlan, talk_plan
from ari_app.demo.words import words
from ari_app.ivr.compiled import compile_menus
from ari_app.prompts.cache import Prompts
from ari_app.settings import Settings, load
from ari_app.sip_caller import HangUp, Press, Speak, Wait
from ari_app.sip_caller.dialogue import AGENT, CALLER
from desk.timeline import Entry
from tests.rig.own_line import OwnLine

CONFIG = Path(__file__).resolve().parents[3] / "config.yaml"
OPEN = datetime(2026, 11, 18, 2, tzinfo=UTC)
NIGHT = datetime(2026, 11, 18, 18, tzinfo=UTC)
PROMPT_SECONDS = 2.0


def settings_with(change: dict[str, Any]) -> Settings:
    settings = load(CONFIG)
    recording = settings.recording.model_copy(update=change)
    return settings.model_copy(update={"recording": recording})


def plan(settings: Settings, now: datetime = OPEN) -> TalkPlan | None:
    lengths = dict.fromkeys(settings.ivr.prompts, PROMPT_SECONDS)
    return talk_plan(
        compile_menus(settings),
        Prompts({}, lengths),
        settings.recording,
        settings.pbx.line_numbers[0],
        settings.company.home_area_code,
        now,
    )


def test_caller_presses_for_a_person_and_both_say_their_part() -> None:
    found = plan(settings_with({}))
    assert found is not None
    assert [s.keys for s in found.caller.steps if isinstance(s, Press)] == ["0"]
    assert isinstance(found.caller.steps[-1], HangUp)
    for steps, who in ((found.caller.steps, CALLER), (found.agent.steps, AGENT)):
        said = [step.text for step in steps if isinstance(step, Speak)]
        assert said == [turn.text for turn in TALK if turn.who == who]


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"notice": "never"}, 0.0),
        ({"talks": False}, 0.0),
        ({"notice": "notice"}, PROMPT_SECONDS),
        ({"notice": "ask", "refuse_seconds": 3}, PROMPT_SECONDS + 3),
    ],
)
def test_caller_is_silent_until_the_notice_is_over(change: dict[str, Any], more: float) -> None:
    def wait(found: TalkPlan | None) -> float:
        assert found is not None
        after = next(i for i, step in enumerate(found.caller.steps) if isinstance(step, Press)) + 1
        step = found.caller.steps[after]
        assert isinstance(step, Wait)
        return step.seconds

    least = wait(plan(settings_with({"notice": "never"})))
    assert wait(plan(settings_with(change))) == pytest.approx(least + more)


def test_staffed_line_leads_to_its_one_telephone_at_any_hour() -> None:
    settings = staffed(load(CONFIG))
    assert plan(load(CONFIG), NIGHT) is None
    assert plan(settings, NIGHT) is not None
    assert {a.contact.rpartition(":")[2] for a in settings.pbx.agents} == {
        str(agents_port(settings))
    }


def test_words_of_a_talk_say_who_spoke_and_whether_live() -> None:
    def said(party: str, live: bool) -> str:
        body = {"party": party, "text": "您好", "live": live}
        kind = "utterance.added"
        return words(Entry(1, OPEN, kind, "c1", None, None, party, body, hash=""))

    assert said("caller", True).split() == ["客户", "caller", "您好"]
    assert said("agent:8001", True).split() == ["坐席", "agent", "8001", "您好"]
    assert "afterwards" in said("caller", False)


@pytest.mark.asterisk
@pytest.mark.slow
def test_talk_is_placed_transcribed_recorded_and_digested(tmp_path: Path) -> None:
    def short(config: dict[str, Any]) -> None:
        for name in config["ivr"]["prompts"]:
            config["ivr"]["prompts"][name] = "喂"

    line = OwnLine.in_folder(tmp_path)
    line.change(short)
    done = line.command("demo", "--talk", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    speakers = [one["speaker"].partition(":")[0] for one in shown["transcript"]]
    assert speakers == [turn.who for turn in TALK]
    assert {one["kind"] for one in shown["call"]["recordings"]} == {"party", "mix"}
    assert shown["ticket"]["summary"]
    assert shown["ticket"]["found"]["numbers"] == ["13820576948"]
    assert shown["ticket"]["found"]["order_ids"] == ["2026091735"]
