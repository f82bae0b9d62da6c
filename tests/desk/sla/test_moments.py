"""Things that happen at the very same moment, which a walk by minutes seldom meets."""

from datetime import timedelta

from desk.sla.book import Editions
from desk.sla.clock import Clock, clocks, elapsed_at
from desk.sla.history import Facts, HandOver, History
from tests.desk.sla.books import book, minutes
from tests.rig.samples import NOW

OPEN = (NOW, "accepted")


def of(target: str, history: History, allowed: int = 60) -> list[Clock]:
    found = book(allowed, response=allowed, hand_over=allowed)
    return [c for c in clocks(history, Editions(((NOW, found),))) if c.target == target]


def test_a_case_solved_at_the_very_moment_it_is_due_is_solved_in_time() -> None:
    [clock] = of("resolution", History((OPEN, (NOW + minutes(60), "resolved"))))
    assert (clock.state, clock.due_at, clock.colour(NOW)) == ("met", clock.ended_at, "amber")
    assert [step for step, _ in clock.steps] == ["agent"], "nobody above hears of it"
    late = History((OPEN, (NOW + minutes(60) + timedelta(microseconds=1), "resolved")))
    [clock] = of("resolution", late)
    assert (clock.state, clock.colour(NOW)) == ("breached", "red")
    assert [step for step, _ in clock.steps] == ["agent", "lead"]


def test_a_contact_at_the_moment_of_solving_is_a_first_response() -> None:
    history = History((OPEN, (NOW + minutes(5), "resolved")), contacts=(NOW + minutes(5),))
    [clock] = of("first_response", history)
    assert (clock.state, clock.elapsed) == ("met", minutes(5))


def test_a_case_solved_without_a_contact_kept_no_first_response_and_missed_none() -> None:
    [clock] = of("first_response", History((OPEN, (NOW + minutes(5), "resolved"))))
    assert clock.state == "stopped"
    again = History((OPEN, (NOW + minutes(5), "resolved"), (NOW + minutes(500), "reopened")))
    assert [clock.state for clock in of("first_response", again)] == ["stopped", "running"]
    assert of("first_response", again)[1].due_at == NOW + minutes(555)


def test_solved_and_reopened_at_once_is_a_new_cycle_of_the_same_clock() -> None:
    at = NOW + minutes(10)
    first, second = of("resolution", History((OPEN, (at, "resolved"), (at, "reopened"))))
    assert (first.state, second.state) == ("met", "running")
    assert second.due_at == NOW + minutes(60)


def test_a_hand_over_ends_when_it_is_taken_refused_or_solved() -> None:
    asked, ended = NOW + minutes(10), NOW + minutes(30)
    [taken] = of("hand_over", History((OPEN,), hand_overs=(HandOver(asked, "night", ended, True),)))
    assert (taken.state, taken.elapsed) == ("met", minutes(20))
    [refused] = of("hand_over", History((OPEN,), hand_overs=(HandOver(asked, "night", ended),)))
    assert refused.state == "stopped"
    solved = History((OPEN, (ended, "resolved")), hand_overs=(HandOver(asked, "night"),))
    assert of("hand_over", solved)[0].state == "met"
    late = HandOver(asked, "night", asked + minutes(61), True)
    assert of("hand_over", History((OPEN,), hand_overs=(late,)))[0].state == "breached"


def test_a_hand_over_goes_by_the_hours_of_the_team_that_is_asked() -> None:
    history = History((OPEN,), hand_overs=(HandOver(NOW, "night"),))
    editions = Editions(((NOW, book(60, clock="working")),))
    clock = next(c for c in clocks(history, editions) if c.target == "hand_over")
    assert clock.due_at is not None
    assert clock.due_at.isoformat() == "2026-11-23T15:00:00+00:00", "an hour into Monday's night"


def test_each_teams_hours_count_while_it_has_the_case() -> None:
    history = History((OPEN,), teams=((NOW, "default"), (NOW + minutes(480), "night")))
    editions = Editions(((NOW, book(600, clock="working")),))
    clock = next(c for c in clocks(history, editions) if c.target == "resolution")
    # 09:02 to 17:02 in Shanghai on a Sunday: nobody worked; then the night team's own hours,
    # which begin on Monday evening, eight hours on each of two nights.
    assert clock.elapsed == timedelta()
    assert clock.due_at is not None
    assert clock.due_at.isoformat() == "2026-11-24T16:00:00+00:00"


def test_what_has_passed_by_now_runs_on_by_itself() -> None:
    [clock] = of("resolution", History((OPEN,)))
    assert elapsed_at(clock, book(), NOW + minutes(7)) == minutes(7)
    assert (clock.colour(NOW + minutes(44)), clock.colour(NOW + minutes(45))) == ("green", "amber")
    assert clock.colour(NOW + minutes(61)) == "red"


def test_a_state_that_is_not_known_lets_the_clock_run() -> None:
    [clock] = of("resolution", History((OPEN, (NOW + minutes(5), "thinking"))))
    assert clock.state == "running"


def test_each_clock_is_judged_by_what_was_in_force_and_known_at_its_end() -> None:
    end = NOW + minutes(50)
    history = History((OPEN, (end, "resolved")), facts=((NOW, Facts()), (end, Facts(level=1))))
    editions = Editions(((NOW, book(60)),))
    later = editions.with_next(book(30), end + minutes(1))
    [clock] = [c for c in clocks(history, later) if c.target == "resolution"]
    assert (clock.state, clock.edition) == ("met", 0)
    at_once = editions.with_next(book(30), end)
    [clock] = [c for c in clocks(history, at_once) if c.target == "resolution"]
    assert (clock.state, clock.edition) == ("breached", 1)
