"""A phase that is not rolled out yet: the line goes on serving, and does less by itself."""

from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ari_app.calls.wrap_up import ticket_for
from ari_app.house import house_of
from ari_app.process import _bridge
from ari_app.settings import ConfigError, Settings, load
from desk import outbox
from desk.db.engine import Database
from desk.region import locate

CONFIG = (Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8")


def switched(tmp_path: Path, off: str) -> Settings:
    """The shipped configuration with one switch off, like `tickets: true`."""
    begin = CONFIG.index("rollout:")
    assert f"    {off}: true" in CONFIG[begin:]
    text = CONFIG[:begin] + CONFIG[begin:].replace(f"    {off}: true", f"    {off}: false", 1)
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_calls_become_no_tickets_by_themselves(tmp_path: Path) -> None:
    found = switched(tmp_path, "tickets").tickets
    assert (found.area_codes, found.abandoned, found.talked) == ([], False, False)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"talked": True, "served": True}, None),
        ({}, None),
        ({"message": object()}, "message"),
        ({"state": {"promised": True}}, "callback"),
    ],
)
def test_only_what_a_caller_left_becomes_a_ticket(
    tmp_path: Path, given: dict[str, Any], kind: str | None
) -> None:
    call: Any = SimpleNamespace(
        **{
            "id": "c",
            "caller": locate("02253456789"),
            "customers": (),
            "choice": None,
            "served": False,
            "talked": False,
            "state": {},
            "message": None,
            "ticket_id": None,
            **given,
        }
    )
    found = ticket_for(call, switched(tmp_path, "tickets"))
    assert (found.type if found is not None else None) == kind


async def test_no_target_gets_anything_and_its_place_is_kept(tmp_path: Path) -> None:
    off = switched(tmp_path, "crm")
    async with (
        await Database.open(f"sqlite:///{tmp_path / 'desk.db'}") as db,
        AsyncExitStack() as stack,
    ):
        bridge = await _bridge(off, db, stack)
        assert bridge.status() == []
        assert set(await db.read(outbox.counts)) == {one.name for one in off.bridge.targets}


def test_every_customer_is_asked_by_the_handler(tmp_path: Path) -> None:
    confirm = switched(tmp_path, "callbacks").outbound.confirm
    assert {confirm.way(level) for level in range(5)} == {"handler"}


def test_nobody_is_asked_how_it_was(tmp_path: Path) -> None:
    assert switched(tmp_path, "surveys").surveys.after_talk is False


def test_the_desk_knows_what_is_switched_off(tmp_path: Path) -> None:
    house = house_of(switched(tmp_path, "assignment"))
    assert not house.on("routing.assignment")
    assert house.on("routing.levels")


def test_everything_is_on_unless_it_is_switched_off(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    assert all(house_of(load(path)).switches.values())


@pytest.mark.parametrize(
    ("was", "then", "says"),
    [
        ("kind: date}", "kind: day}", "fields"),
        ("    complaint: {product", "    complain: {product", "no type 'complain'"),
        ("complaint: {product: {label: 产品}}", "complaint: {product: {label: 产品, kind: number}}",
         "another kind"),
        ("kind: yes_no}", "kind: choice}", "choices"),
    ],
)  # fmt: skip
def test_fields_that_no_rule_could_ask_about_are_refused(
    tmp_path: Path, was: str, then: str, says: str
) -> None:
    assert was in CONFIG
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.replace(was, then, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        load(path)
