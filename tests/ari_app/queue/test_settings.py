"""Rules and names in config.yaml that would leave a caller waiting for nobody are refused."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ari_app.queue.check import check_queue
from ari_app.settings import ConfigError, Settings, load
from tests.ari_app.queue.people import settings

CONFIG = Path(__file__).parents[3] / "config.yaml"
TEXT = CONFIG.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("steps", "mend"),
    [
        ([{"after": 5, "need": []}], "default: the first step must have `after: 0`"),
        (
            [{"after": 0, "need": ["team"]}, {"after": 0, "need": []}],
            "default: after 0 must be later than 0",
        ),
        (
            [{"after": 0, "need": ["team"]}, {"after": 9, "need": ["team", "skill"]}],
            "after 9 asks for skill, which the step before does not; a step may only ask for less",
        ),
    ],
)
def test_a_rule_that_does_not_relax_is_refused(steps: list[Any], mend: str) -> None:
    with pytest.raises(ValueError, match=mend.replace("`", ".")):
        settings(rules={"default": steps})


def test_rules_without_a_default_are_refused() -> None:
    with pytest.raises(ValueError, match="the rule `default` is missing; add it"):
        settings(rules={"a": [{"after": 0, "need": []}]})


def test_one_key_cannot_mean_two_things() -> None:
    with pytest.raises(ValueError, match="key 5 cannot mean both"):
        settings(message_key="5", callback_key="5")
    assert settings(message_key=None, callback_key=None).message_key is None


def told(tmp_path: Path, old: str, new: str) -> str:
    assert old in TEXT
    file = tmp_path / "config.yaml"
    file.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "mend"),
    [
        (
            "need: [team, skill, language]}",
            "need: [team, skil]}",
            "rules.default.1.need.1: must be one of 'team', 'region', 'skill' or 'language'",
        ),
        (
            "    default:                   #",
            "    tianjing: [{after: 0, need: []}]\n    default:  #",
            "queue.rules.tianjing: no team named 'tianjing'; did you mean 'tianjin'?",
        ),
        (
            "regions: []",
            "regions: [天津市]",
            "pbx.agents.2.regions.0: no area code or province named '天津市'; did you mean '天津'?",
        ),
        ("regions: []", 'regions: ["0312", "0123"]', "no area code or province named '0123'"),
        ("vip_levels: {金牌: 10}", "vip_levels: {金牌: 1000}", "must be at most 100 (found 1000)"),
        ("  most_waiting:", "  mostwaiting:", "unknown setting; did you mean 'most_waiting'?"),
    ],
)
def test_a_mistake_is_told_in_one_sentence_with_its_line(
    tmp_path: Path, old: str, new: str, mend: str
) -> None:
    said = told(tmp_path, old, new)
    assert mend in said
    assert "\n" not in said
    assert said.startswith(f"{tmp_path / 'config.yaml'}:")


def test_a_merged_area_code_names_the_present_one() -> None:
    data = YAML(typ="safe").load(TEXT)
    data["pbx"]["agents"][0]["regions"] = ["0517", "河北", "香港", "029", "0910"]
    configured = Settings(**data)
    said = [p.message for p in check_queue(configured.queue, configured.pbx)]
    assert said in ([], ["0910 was merged into 029; use that"])
