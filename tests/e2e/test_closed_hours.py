"""Out of hours nobody is lost either."""

import pytest

from ari_app.sip_caller import ExpectBye, HangUp, Press, Speak, Wait
from tests.e2e.line_rig import CLOSED_HOURS, Story, Visit, beijing, tianjin
from tests.e2e.test_menu_paths import COMPLAINT

pytestmark = pytest.mark.asterisk

AT = CLOSED_HOURS
SAY = (Speak(COMPLAINT), Wait(0.6), Press("#"), ExpectBye(30))
TELL = (Wait(3.6), *SAY)
VISITS = {
    "tianjin": Visit(tianjin(), TELL),
    "elsewhere": Visit(beijing(), TELL),
    "keys do nothing": Visit(beijing(), (Wait(0.6), Press("0"), Wait(2.2), *SAY)),
    "gives up": Visit(beijing(), (Wait(1.9), HangUp())),
}


@pytest.mark.parametrize("name", ["tianjin", "elsewhere", "keys do nothing"])
def test_caller_is_asked_for_a_message(stories: dict[str, Story], name: str) -> None:
    story = stories[name]
    assert story.call.state["walk"]["menu"] == "closed"
    assert story.ticket is not None
    assert story.ticket.type == "message"
    assert story.ticket.description == COMPLAINT
    assert "agent.rung" not in story.kinds


def test_caller_who_leaves_none_is_called_back(stories: dict[str, Story]) -> None:
    story = stories["gives up"]
    assert story.recordings == []
    assert story.ticket is not None
    assert story.ticket.type == "abandoned"
