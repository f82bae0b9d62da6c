"""Which ticket a call leaves behind: the right one, at most one, and none that nobody needs."""

from types import SimpleNamespace
from typing import Any

import pytest

from ari_app.calls.menu import is_served
from ari_app.calls.wrap_up import ticket_for
from ari_app.ivr.walk import Choice
from ari_app.settings import TicketSettings
from desk.region import locate

TIANJIN, BEIJING, HIDDEN = "02253456789", "01062345678", "anonymous"
COMPLAINT = Choice("main", "1", "投诉", "complaint", "message")
PERSON = Choice("main", "0", "人工", None, "person")
CLOSED = Choice("closed", "", "非营业时间", "message", "message")
FAILED = Choice("main", "", "无有效按键", None, "message")
HOURS = Choice("main", "3", "营业时间", None, "say")


def _kind(
    caller_id: str,
    choice: Choice | None = None,
    *,
    served: bool = False,
    message: bool = False,
    ticket_id: int | None = None,
    talked: bool = False,
    promised: bool = False,
    **tickets: Any,
) -> str | None:
    call: Any = SimpleNamespace(
        id="c",
        caller=locate(caller_id, "022"),
        customers=(),
        choice=choice,
        served=served,
        talked=talked,
        state={"promised": True} if promised else {},
        message=object() if message else None,
        ticket_id=ticket_id,
    )
    settings: Any = SimpleNamespace(tickets=TicketSettings(**tickets))
    new = ticket_for(call, settings)
    return new.type if new else None


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        # who talked to an agent has a ticket, wherever he calls from
        ("call", (BEIJING, None, {"talked": True, "served": True})),
        # who was promised a call-back has one too, before anybody calls
        ("callback", (BEIJING, None, {"promised": True, "served": True})),
        # a choice that says what the matter is
        ("complaint", (BEIJING, COMPLAINT, {})),
        ("complaint", (TIANJIN, COMPLAINT, {"message": True})),
        # silence chose: only what was told counts
        ("message", (BEIJING, CLOSED, {"message": True})),
        ("abandoned", (BEIJING, CLOSED, {})),
        ("message", (BEIJING, FAILED, {"message": True})),
        ("abandoned", (BEIJING, FAILED, {})),
        # the area code
        ("call", (TIANJIN, PERSON, {"served": True})),
        ("abandoned", (TIANJIN, PERSON, {})),
        ("abandoned", (TIANJIN, None, {})),
        ("call", (TIANJIN, HOURS, {"served": True})),
        # elsewhere
        (None, (BEIJING, PERSON, {"served": True})),
        (None, (BEIJING, HOURS, {"served": True})),
        ("abandoned", (BEIJING, PERSON, {})),
        ("abandoned", (HIDDEN, None, {})),
        # there is one already
        (None, (TIANJIN, COMPLAINT, {"ticket_id": 7, "message": True})),
        # settings
        (None, (BEIJING, None, {"abandoned": False})),
        ("abandoned", (TIANJIN, None, {"abandoned": False})),
        ("abandoned", (BEIJING, None, {"area_codes": ["010"], "abandoned": False})),
        (None, (TIANJIN, PERSON, {"area_codes": [], "served": True})),
    ],
)
def test_ticket_of_a_call(kind: str | None, given: tuple[str, Choice | None, Any]) -> None:
    caller_id, choice, more = given
    assert _kind(caller_id, choice, **more) == kind


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("choice", "served"),
    [
        (HOURS, True),
        (Choice("main", "", "", None, "say"), True),
        (Choice("main", "8", "", None, "hangup"), True),
        (PERSON, False),
        (COMPLAINT, False),
        (Choice("main", "2", "", None, "menu"), False),
        (FAILED, None),
        (Choice("main", "", "", None, "hangup"), None),
    ],
)
def test_caller_is_served_by_an_answer_until_asking_for_more(
    choice: Choice, served: bool | None, before: bool
) -> None:
    assert is_served(choice, before) is (before if served is None else served)
