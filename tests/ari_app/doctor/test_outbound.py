"""Settings of calls to customers that a carrier or the law does not go along with are told before
the first call."""

from typing import Any

import pytest

from ari_app.doctor import Finding
from ari_app.doctor.outbound import outbound
from tests.ari_app.doctor.conftest import Place


def found(place: Place, **values: Any) -> list[Finding]:
    def change(config: dict[str, Any]) -> None:
        config["outbound"] |= {"trunk": "carrier", "shown_number": "02288880000"}
        config["outbound"] |= values.get("outbound", {})
        config["outbound"]["limits"] |= values.get("limits", {})
        config["recording"] |= values.get("recording", {})

    place.change(change)
    return list(outbound(place.settings))


def test_without_a_trunk_nothing_is_wrong(place: Place) -> None:
    (finding,) = outbound(place.settings)
    assert (finding.level, "no calls" in finding.what) == ("ok", True)


def test_calls_that_get_through_and_are_kept_are_well(place: Place) -> None:
    (finding,) = found(place)
    assert finding.level == "ok"
    assert "carrier" in finding.what
    assert "02288880000" in finding.what


@pytest.mark.parametrize(
    ("values", "mend"),
    [
        ({"outbound": {"shown_number": None}}, "outbound.shown_number"),
        ({"recording": {"talks": False}}, "recording.talks: true"),
        ({"limits": {"most_at_once": 1000}}, "lower it"),
    ],
    ids=["a 400 number is shown", "not recorded", "more calls than the line has"],
)
def test_what_cannot_go_well_is_warned_of_with_its_mend(
    place: Place, values: dict[str, Any], mend: str
) -> None:
    (finding,) = found(place, **values)
    assert (finding.check, finding.level) == ("outbound", "warn")
    assert mend in finding.mend


async def test_the_examination_looks_at_it(place: Place) -> None:
    (finding,) = (await place.examined())["outbound"]
    assert finding.level == "ok"
