"""What supervisors ask of surveys: answers, what makes a score, and calls that needed nobody."""

from datetime import timedelta

from sqlalchemy import Connection

from desk import surveys
from desk.surveys import SurveySettings
from desk.tickets import Ticket, progress_calls
from desk.tickets.progress_calls import Outcome
from tests.desk.api.conftest import Api
from tests.desk.lifecycle.cases import LATER, spoken
from tests.desk.surveys.policies import POLICY, customer, linked, resolved
from tests.rig.samples import NOW

SETTINGS = SurveySettings()


def two_answers(db: Connection) -> Ticket:
    """5 by key, half a year later 2 by link about another case, which that reopens."""
    customer(db)
    resolved(db, "k1")
    surveys.ask_by_key(db, "k1", POLICY, NOW)
    surveys.answer_by_key(db, "k1", 5, SETTINGS, LATER - timedelta(days=180))
    ticket, token = linked(db, "k2")
    surveys.answer_by_link(db, token, 2, "慢", SETTINGS, LATER)
    return ticket


async def test_answers_are_listed_newest_first_and_low_ones_found(api: Api) -> None:
    await api.db.write(two_answers)
    await api.db.write(linked, "k3")
    every = (await api.get("/api/v1/surveys", "tickets:read")).json()["items"]
    assert [one["points"] for one in every] == [None, 2, 5]
    low = await api.get("/api/v1/surveys?most_points=2", "tickets:read")
    (found,) = low.json()["items"]
    assert (found["comment"], found["effect"], found["channel"]) == ("慢", "reopened", "link")
    answered = await api.get("/api/v1/surveys?answered=true&limit=1", "tickets:read")
    assert [one["points"] for one in answered.json()["items"]] == [2]
    following = answered.json()["next"]
    rest = await api.get(f"/api/v1/surveys?answered=true&cursor={following}", "tickets:read")
    assert [one["points"] for one in rest.json()["items"]] == [5]
    open_ones = await api.get("/api/v1/surveys?answered=false", "tickets:read")
    assert len(open_ones.json()["items"]) == 1


async def test_a_ticket_shows_what_its_customer_answered(api: Api) -> None:
    ticket = await api.db.write(two_answers)
    shown = await api.get(f"/api/v1/tickets/{ticket.number}/surveys", "tickets:read")
    assert [one["points"] for one in shown.json()["items"]] == [2]
    missing = await api.get("/api/v1/tickets/100098/surveys", "tickets:read")
    assert missing.status_code == 404


async def test_a_score_is_explained_answer_by_answer(api: Api) -> None:
    await api.db.write(two_answers)
    found = (await api.get("/api/v1/customers?number=13820221234", "customers:read")).json()
    customer_id = found["items"][0]["id"]
    path = f"/api/v1/customers/{customer_id}/score"
    told = (await api.get(path, "customers:read")).json()
    assert told["score"] == 3.0, "the older answer is one half-life older: (2 · 1 + 5 · ½) ÷ 1½"
    assert told["formula"]["half_life_days"] == 180
    assert [(part["points"], part["weight"]) for part in told["parts"]] == [(2, 1.0), (5, 0.5)]
    assert sum(part["adds"] for part in told["parts"]) == 3.0
    other = (await api.get("/api/v1/customers/1/score", "customers:read")).json()
    assert (other["score"], other["parts"]) == (None, [])
    assert (await api.get("/api/v1/customers/999/score", "customers:read")).status_code == 404


async def test_calls_that_the_line_answered_alone_are_counted(api: Api) -> None:
    def told(db: Connection) -> None:
        ticket = resolved(db, "p0")
        for call_id, outcome in (
            ("p1", Outcome.TOLD), ("p2", Outcome.SOLVED), ("p3", Outcome.PERSON),
            ("p4", Outcome.OTHER), ("p5", Outcome.TOLD),
        ):  # fmt: skip
            resolved(db, call_id)
            progress_calls.told(db, call_id, ticket.id, "resolved", NOW)
            progress_calls.told(db, call_id, ticket.id, "resolved", NOW)
            progress_calls.led_to(db, call_id, outcome)
        spoken(db, "p5")

    await api.db.write(told)
    until = (NOW + timedelta(hours=1)).isoformat().replace("+", "%2B")
    shown = (await api.get(f"/api/v1/progress-calls?until={until}", "calls:read")).json()
    assert (shown["calls"], shown["without_agent"]) == (5, 2)
    assert shown["outcomes"] == {
        "told": 2, "solved": 1, "not_solved": 0, "person": 1, "other": 1
    }  # fmt: skip
    wrong = f"/api/v1/progress-calls?since={until}&until={until}"
    assert (await api.get(wrong, "calls:read")).status_code == 400


async def test_nobody_without_the_scope_reads_them(api: Api) -> None:
    ticket = await api.db.write(two_answers)
    for path in (
        "surveys", f"tickets/{ticket.number}/surveys", "customers/1/score", "progress-calls"
    ):  # fmt: skip
        assert (await api.get(f"/api/v1/{path}")).status_code == 401
        assert (await api.get(f"/api/v1/{path}", "agents:read")).status_code == 403
