"""The commands by which an administrator lets people in, and out."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ari_app.cli.main import build

CONFIG = Path(__file__).parents[3] / "config.yaml"
PASSWORD = "correct horse battery\n"


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config.yaml").write_bytes(CONFIG.read_bytes())

    def __call__(self, *words: str, typed: str = "") -> Result:
        command = [*words, "--config", str(self.folder / "config.yaml")]
        return CliRunner().invoke(build(words[0]), command, input=typed, catch_exceptions=False)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_an_account_is_made_listed_changed_and_disabled(shell: Shell) -> None:
    made = shell(
        "account", "create", "zhang", "--role", "agent", "--full-name", "张敏", "--team", "天津",
        "--stdin", typed=PASSWORD,
    )  # fmt: skip
    assert (made.exit_code, "zhang" in made.stdout) == (0, True), made.stderr
    assert "张敏" in shell("account", "list").stdout
    assert shell("account", "change", "zhang", "--role", "lead", "--unmasked").exit_code == 0
    assert "lead" in shell("account", "list").stdout
    assert (
        shell("account", "password", "zhang", "--stdin", typed="another long one\n").exit_code == 0
    )
    assert shell("account", "disable", "zhang").exit_code == 0
    assert "disabled" in shell("account", "list").stdout
    assert shell("account", "enable", "zhang").exit_code == 0
    assert "disabled" not in shell("account", "list").stdout


def test_a_password_is_asked_twice_and_shown_never(shell: Shell) -> None:
    asked = shell("account", "create", "li", "--role", "agent", typed=PASSWORD * 2)
    assert asked.exit_code == 0, asked.stderr
    assert "correct horse" not in asked.output
    differ = shell("account", "create", "wu", "--role", "agent", typed="one of them\nthe other\n")
    assert differ.exit_code == 1


def test_no_option_takes_a_password(shell: Shell) -> None:
    for command in ("create", "password"):
        told = CliRunner().invoke(build("account"), ["account", command, "--help"]).output
        assert "--password" not in told
    refused = shell("account", "password", "li", "hunter2hunter2")
    assert refused.exit_code == 2


def test_what_is_refused_is_one_line_with_the_mend(shell: Shell) -> None:
    weak = shell("account", "create", "zhang", "--role", "agent", "--stdin", typed="short\n")
    assert (weak.exit_code, "choose a longer one" in weak.stderr) == (1, True)
    nobody = shell("account", "disable", "nobody")
    assert (nobody.exit_code, "account list" in nobody.stderr) == (1, True)
    root = ("account", "create", "root", "--role", "administrator", "--stdin")
    assert shell(*root, typed=PASSWORD).exit_code == 0
    assert "already" in shell(*root, typed=PASSWORD).stderr
    assert "last administrator" in shell("account", "disable", "root").stderr


def test_who_may_what_can_be_read() -> None:
    told = CliRunner().invoke(build("account"), ["account", "roles"])
    assert told.exit_code == 0
    assert "POST /tickets/{number}/override" in told.stdout
    assert "numbers and names in full" in told.stdout


def test_a_token_can_be_bound_to_an_account(shell: Shell) -> None:
    shell("account", "create", "zhang", "--role", "agent", "--stdin", typed=PASSWORD)
    bound = shell("token", "create", "phone", "--scope", "tickets:read", "--account", "zhang")
    assert (bound.exit_code, bound.stdout.startswith("hs_")) == (0, True)
    nobody = shell("token", "create", "phone", "--scope", "tickets:read", "--account", "nobody")
    assert (nobody.exit_code, "account list" in nobody.stderr) == (1, True)
