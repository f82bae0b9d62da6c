"""Is one caller one call, however many records Asterisk wrote of it and however the file ends?"""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.cdr import COLUMNS, rows, trunk_calls


def line(ident: str, linked: str, context: str, dst: str, start: str, end: str) -> str:
    fields = [
        ident,
        linked,
        "PJSIP/carrier-1",
        "138,1",
        dst,
        context,
        start,
        "",
        end,
        "1",
        "1",
        "X",
    ]
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields)


A_CALL = [
    line("c-1", "h-1.0", "agents", "s", "2026-11-22 03:08:32", "2026-11-22 03:08:33"),
    line("h-1.0", "h-1.0", "huisheng-line", "4001", "2026-11-22 03:08:30", "2026-11-22 03:08:33"),
    line("h-1.0", "h-1.0", "huisheng-back", "4001", "2026-11-22 03:08:33", "2026-11-22 03:08:34"),
    line("h-1.0", "h-1.0", "huisheng-fallback", "s", "2026-11-22 03:08:34", "2026-11-22 03:08:37"),
    line("s-1", "s-1", "default", "s", "2026-11-22 03:08:31", "2026-11-22 03:08:32"),
    line("h-2.0", "h-2.0", "from-internal", "9", "2026-11-22 03:08:31", "2026-11-22 03:08:32"),
]


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").astimezone(UTC)


def test_a_call_with_agents_and_snoops_is_one_call_of_its_trunk_channel():
    (call,) = trunk_calls(rows(A_CALL)).values()
    assert (call.id, call.caller_id, call.dialled, call.fallback) == (
        "h-1.0",
        "138,1",
        "4001",
        True,
    )
    assert call.started_at == local("2026-11-22 03:08:30")
    assert call.ended_at == local("2026-11-22 03:08:37")


def test_a_line_that_was_cut_off_hides_no_other():
    cut = [A_CALL[1][:40], A_CALL[1][:-1], '"', "", *A_CALL[1:2]]
    assert list(trunk_calls(rows(cut))) == ["h-1.0"]


@given(st.lists(st.text()), st.lists(st.lists(st.text(), min_size=12, max_size=12)))
def test_garbage_is_never_an_error(lines: list[str], records: list[list[str]]):
    assert len(COLUMNS) == 12
    trunk_calls(rows(lines))
    trunk_calls(records)
