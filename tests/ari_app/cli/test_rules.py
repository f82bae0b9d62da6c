"""`huisheng rules`: an administrator changes routing without a surprise, and can go back."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ari_app.cli.main import build

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "routing.yaml").read_text(encoding="utf-8")


@pytest.fixture
def config(tmp_path: Path, migrated_file: bytes) -> Path:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "huisheng.db").write_bytes(migrated_file)
    (tmp_path / "routing.yaml").write_text(RULES, encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text((ROOT / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def huisheng(config: Path, *words: str) -> Result:
    first, *rest = words
    return CliRunner().invoke(build(first), [first, *rest, "--config", str(config)])


def rules(config: Path, *words: str) -> Result:
    return huisheng(config, "rules", *words)


def test_what_we_ship_is_checked_tried_put_in_force_and_taken_back(config: Path) -> None:
    file = config.parent / "routing.yaml"
    assert rules(config, "validate", str(file)).exit_code == 0
    assert rules(config, "show").exit_code == 1
    assert "edition 1" in rules(config, "activate", str(file), "--note", "开始").output
    sample = "{ticket: {type: complaint, area_code: '022', text: 我要曝光}}"
    told = rules(config, "test", "--sample", sample).output
    assert "✓ law-and-press: 成立 / holds (曝光)" in told
    assert "✗ gold-complaint: 不成立 / fails at: customer.level ==" in told
    assert "组 / team: tianjin (region 022)" in told
    assert "级别 / level: 1 (重大), 优先级 / priority 60" in told

    file.write_text(RULES.replace("曝光", "上电视"), encoding="utf-8")
    told = rules(config, "test", str(file), "--sample", sample).output
    assert "✗ law-and-press" in told, "a file that is not in force can be tried"
    assert "edition 2" in rules(config, "activate", str(file), "--expected", "1").output
    late = rules(config, "activate", str(file), "--expected", "1")
    assert late.exit_code == 1
    assert "is at version 2, not 1" in late.output
    assert "edition 3" in rules(config, "rollback", "1").output
    assert "恢复 / restores 1" in rules(config, "versions").output.splitlines()[0]
    assert rules(config, "show", "--edition", "3").output.splitlines()[1:] == RULES.splitlines()


def test_a_wrong_set_is_told_with_file_line_and_mend(config: Path) -> None:
    file = config.parent / "routing.yaml"
    text = RULES.replace("team: tianjin, skill", "team: tianjn, skill")
    text = text.replace("ticket.calls >= 3", "ticket.calls >= '3'")
    file.write_text(text, encoding="utf-8")
    for command in ("validate", "activate"):
        refused = rules(config, command, str(file))
        assert refused.exit_code == 1
        assert "rule tianjin-repair, then.team: no team 'tianjn'; did you mean" in refused.output
        assert "rule again-and-again, when: data type mismatch" in refused.output
        assert f"{file}: line " in refused.output
    assert rules(config, "versions").output == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["test"], "one of --ticket and --sample"),
        (["test", "--ticket", "100015"], "is no ticket number"),
        (["test", "--sample", "["], "not valid YAML"),
        (["test", "--sample", "x"], "has no facts"),
        (["validate", "gone.yaml"], "cannot be read"),
        (["test", "--sample", "{ticket: {type: x}}"], "no rule set is in force"),
        (["rollback", "7"], "no rule set 7"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(config: Path, words: list[str], says: str) -> None:
    refused = rules(config, *words)
    assert refused.exit_code in (1, 2)
    assert says in refused.output


def test_facts_are_listed_with_the_fields_of_the_house(config: Path) -> None:
    assert "ticket.fields.product" in rules(config, "facts").output


def test_the_roll_out_is_told_with_switches_and_shares(config: Path) -> None:
    told = huisheng(config, "rollout", "status").output
    assert "✓ routing.assignment" in told
    assert "由规则分派 / assignments by rules" in told
    assert "天津" in huisheng(config, "rollout", "status", "--team", "天津").output
