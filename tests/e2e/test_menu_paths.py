"""Whatever a caller presses, the call ends in the ticket that the menu promises."""

import pytest

from ari_app.sip_caller import AgentPhone, ExpectBye, HangUp, Press, Speak, Step, Wait
from tests.e2e.line_rig import Story, Visit, beijing, tianjin

pytestmark = pytest.mark.asterisk

COMPLAINT = "我要投诉产品质量太差了"
TELL = (Wait(2.2), Speak(COMPLAINT), Wait(0.6), Press("#"), ExpectBye(30))
REPAIR_WAYS = ["21", "22", "2*21", "2*22", "9921", "321"]


def keys(row: str, pause: float = 0.7) -> tuple[Step, ...]:
    """Each key a moment after the one before."""
    return tuple(step for key in row for step in (Wait(pause), Press(key)))


VISITS = {
    "complaint": Visit(tianjin(), (*keys("1"), *TELL)),
    "complaint without words": Visit(tianjin(), (*keys("1"), ExpectBye(20))),
    "complaint from elsewhere": Visit(beijing(), (*keys("1"), *TELL)),
    **{f"repair {way}": Visit(tianjin(), (*keys(way), *TELL)) for way in REPAIR_WAYS},
    "opening hours": Visit(beijing(), (*keys("3"), Wait(1.2), HangUp())),
    "opening hours, tianjin": Visit(tianjin(), (*keys("3"), Wait(1.2), HangUp())),
    "opening hours, then complaint": Visit(beijing(), (*keys("31"), *TELL)),
    "opening hours, then giving up": Visit(beijing(), (*keys("30"), Wait(1.5), HangUp())),
    "wrong, then right": Visit(tianjin(), (*keys("771"), *TELL)),
    "wrong only": Visit(beijing(), (*keys("777"), *TELL)),
    "wrong in the sub-menu": Visit(beijing(), (*keys("2999"), *TELL)),
    "silent": Visit(beijing(), (Wait(8.2), *TELL)),
    "silent, then right": Visit(tianjin(), (Wait(3.4), Press("1"), *TELL)),
    "person": Visit(tianjin(), (*keys("0"), Wait(2.5), Speak(COMPLAINT), HangUp())),
    "person away": Visit(beijing(), (*keys("0"), Wait(7.6), *TELL)),
    "person from the sub-menu": Visit(tianjin(), (*keys("20"), Wait(7.6), *TELL)),
    "extension": Visit(tianjin(), (Wait(0.7), Press("8012"), Wait(4), HangUp())),
    "extension, half dialled": Visit(
        beijing(), (Wait(0.7), Press("80"), Wait(4), *keys("1"), *TELL)
    ),
    "extension that does not exist": Visit(
        beijing(), (Wait(0.7), Press("8009"), *keys("1"), *TELL)
    ),
}


def test_complaint_told_after_the_tone_becomes_a_ticket(stories: dict[str, Story]) -> None:
    story = stories["complaint"]
    assert story.result.status == 200
    assert story.result.ended_by == "them"
    assert story.ticket is not None
    assert story.ticket.type == "complaint"
    assert story.ticket.subject == "天津 投诉"
    assert story.ticket.labels == ("地区:天津",)
    assert story.ticket.description == COMPLAINT
    assert [recording.state for recording in story.recordings] == ["transcribed"]
    assert story.transcript is not None
    words = story.transcript.words
    assert "".join(word["text"] for word in words) == COMPLAINT
    assert all(word["start"] < word["end"] for word in words)
    assert story.kinds[:4] == ["call.received", "menu.chosen", "ticket.opened", "recording.added"]
    assert sorted(story.kinds[4:]) == [
        "call.ended",
        "digest.added",
        "ticket.described",
        "transcript.added",
    ]


def test_caller_who_says_nothing_after_the_tone_is_let_go_with_a_ticket(
    stories: dict[str, Story],
) -> None:
    story = stories["complaint without words"]
    assert story.result.ended_by == "them"
    assert story.call.cause == "completed"
    assert story.ticket is not None
    assert (story.ticket.type, story.ticket.description) == ("complaint", "")


def test_caller_from_another_city_meets_the_general_menu(stories: dict[str, Story]) -> None:
    assert stories["complaint"].call.state["walk"]["menu"] == "tianjin"
    story = stories["complaint from elsewhere"]
    assert story.call.state["walk"]["menu"] == "main"
    assert story.ticket is not None
    assert story.ticket.type == "complaint"
    assert story.ticket.labels == ("地区:北京",)


@pytest.mark.parametrize("way", REPAIR_WAYS)
def test_repair_is_reached_by_every_way_through_the_menus(
    stories: dict[str, Story], way: str
) -> None:
    story = stories[f"repair {way}"]
    assert story.choices == list(way.replace("9", ""))
    assert story.ticket is not None
    assert story.ticket.type == "repair"
    assert story.ticket.subject == ("天津 家电报修" if way.endswith("2") else "天津 手机电脑报修")
    assert story.ticket.description == COMPLAINT


class TestOpeningHours:
    def test_caller_who_has_heard_them_has_been_served(self, stories: dict[str, Story]) -> None:
        story = stories["opening hours"]
        assert story.choices == ["3"]
        assert story.call.cause == "hangup"
        assert story.ticket is None

    def test_every_call_from_tianjin_is_a_ticket(self, stories: dict[str, Story]) -> None:
        story = stories["opening hours, tianjin"]
        assert story.ticket is not None
        assert story.ticket.type == "call"

    def test_caller_may_go_on_to_complain(self, stories: dict[str, Story]) -> None:
        story = stories["opening hours, then complaint"]
        assert story.ticket is not None
        assert story.ticket.type == "complaint"

    def test_caller_who_then_wants_a_person_and_gets_none_is_not_forgotten(
        self, stories: dict[str, Story]
    ) -> None:
        story = stories["opening hours, then giving up"]
        assert story.ticket is not None
        assert story.ticket.type == "abandoned"


class TestWrongKeysAndSilence:
    def test_two_wrong_keys_cost_nothing(self, stories: dict[str, Story]) -> None:
        story = stories["wrong, then right"]
        assert story.choices == ["1"]
        assert story.ticket is not None
        assert story.ticket.type == "complaint"

    @pytest.mark.parametrize(
        ("name", "menu"),
        [("wrong only", "main"), ("wrong in the sub-menu", "repair"), ("silent", "main")],
    )
    def test_caller_who_finds_no_key_may_leave_a_message(
        self, stories: dict[str, Story], name: str, menu: str
    ) -> None:
        story = stories[name]
        assert story.call.state["walk"]["menu"] == menu
        assert story.ticket is not None
        assert story.ticket.type == "message"
        assert story.ticket.area_code == "010"
        assert story.ticket.description == COMPLAINT

    def test_caller_who_is_slow_is_asked_again(self, stories: dict[str, Story]) -> None:
        story = stories["silent, then right"]
        assert story.ticket is not None
        assert story.ticket.type == "complaint"


class TestPerson:
    def test_next_agent_takes_the_call_when_the_first_is_busy(
        self, stories: dict[str, Story]
    ) -> None:
        story = stories["person"]
        rung = [e.body["agent"] for e in story.entries if e.kind == "agent.rung" and e.body]
        assert rung == ["8001", "8002"]
        told = [kind for kind in story.kinds if kind in ("agent.answered", "agent.left")]
        assert told == ["agent.answered", "agent.left"]
        assert story.call.stage == "talk"
        assert story.ticket is not None
        assert story.ticket.type == "call"

    def test_agent_hears_the_caller(
        self, stories: dict[str, Story], phones: dict[str, AgentPhone]
    ) -> None:
        assert stories["person"].call.stage == "talk"
        heard = [call.heard or b"" for call in phones["8002"].calls()]
        assert max(len(set(sound)) for sound in heard) > 50, "speech, not silence"

    def test_carrier_is_not_told_which_agent_took_the_call(self, stories: dict[str, Story]) -> None:
        story = stories["person"]
        assert story.call.stage == "talk"
        assert not [m for m in story.result.messages if m.is_request("INVITE") and not m.sent]

    def test_dialled_extension_rings_that_agent_alone(self, stories: dict[str, Story]) -> None:
        story = stories["extension"]
        assert story.call.stage == "talk"
        rung = [e.body["agent"] for e in story.entries if e.kind == "agent.rung" and e.body]
        assert rung == ["8012"]

    @pytest.mark.parametrize("name", ["person away", "person from the sub-menu"])
    def test_nobody_answers_so_the_caller_leaves_a_message(
        self, stories: dict[str, Story], name: str
    ) -> None:
        story = stories[name]
        assert "agent.answered" not in story.kinds
        assert story.call.stage == "message"
        assert story.ticket is not None
        assert story.ticket.type == "message"
        assert story.ticket.description == COMPLAINT


@pytest.mark.parametrize("name", ["extension, half dialled", "extension that does not exist"])
def test_extension_that_leads_nowhere_is_a_wrong_key(stories: dict[str, Story], name: str) -> None:
    story = stories[name]
    assert story.choices == ["1"]
    assert story.ticket is not None
    assert story.ticket.type == "complaint"
