"""The commands of an administrator on the desk's database."""

import re
import sqlite3
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from ari_app.cli.main import build

CONFIG = Path(__file__).parents[3] / "config.yaml"
FILE = "external_id,name,company,level,numbers\nA1,张[red]三,津门,VIP,022-5345 6789/13812345678\n"


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config.yaml").write_bytes(CONFIG.read_bytes())

    def __call__(self, *words: str) -> Result:
        command = [*words, "--config", str(self.folder / "config.yaml")]
        return CliRunner().invoke(build(words[0]), command, catch_exceptions=False)

    def file(self, text: str) -> str:
        (self.folder / "customers.csv").write_text(text)
        return str(self.folder / "customers.csv")

    def sql(self, statement: str) -> None:
        connection = sqlite3.connect(self.folder / "var" / "huisheng.db")
        with connection:
            connection.execute(statement)
        connection.close()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_new_database_is_made_and_shown(shell: Shell) -> None:
    assert shell("db", "show").exit_code == 1
    assert "huisheng db upgrade" in shell("db", "show").stderr
    assert shell("db", "upgrade").exit_code == 0
    shown = shell("db", "show")
    assert (shown.exit_code, "current" in shown.stdout) == (0, True)
    shell.sql("UPDATE alembic_version SET version_num = '9999'")
    assert shell("db", "show").exit_code == 1
    refused = shell("db", "upgrade")
    assert (refused.exit_code, "newer" in refused.stderr) == (1, True)


def test_customers_are_imported_and_found_in_any_form_of_the_number(shell: Shell) -> None:
    assert "created 1" in shell("customers", "import", shell.file(FILE)).stdout
    assert "unchanged 1" in shell("customers", "import", shell.file(FILE)).stdout
    for number in ("53456789", "02253456789", "+8613812345678"):
        found = shell("customers", "find", number, "--json")
        assert orjson.loads(found.stdout)["name"] == "张[red]三"
    assert "张[red]三" in shell("customers", "find", "53456789").stdout, "no markup is obeyed"
    nobody = shell("customers", "find", "02112345678")
    assert (nobody.exit_code, nobody.stdout) == (1, "")


def test_a_wrong_file_is_refused_whole_with_every_line_named(shell: Shell) -> None:
    refused = shell("customers", "import", shell.file(FILE + "A2,,,,\nA3,李四,,,12\n"))
    assert refused.exit_code == 1
    assert re.findall(r"^line \d", refused.stderr, re.M) == ["line 3", "line 4"]
    assert shell("customers", "find", "53456789").exit_code == 1


def test_a_token_is_shown_once_listed_without_it_and_revoked(shell: Shell) -> None:
    made = shell("token", "create", "wallboard", "--scope", "calls:read", "--expires", "90d")
    secret = made.stdout.strip()
    assert secret.startswith("hs_"), "standard output is the token alone, for scripts"
    listed = shell("token", "list").stdout
    assert "wallboard" in listed
    assert "valid" in listed
    assert secret not in listed
    assert shell("token", "revoke", "1").exit_code == 0
    assert "revoked" in shell("token", "list").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("create", "x", "--scope", "everything"),
        ("create", "x", "--scope", "admin", "--expires", "soon"),
        ("create", "x", "--scope", "admin", "--expires", "0d"),
        ("create", "x"),
        ("revoke", "99"),
    ],
)
def test_a_token_command_that_makes_no_sense_is_one_clear_error(
    shell: Shell, words: tuple[str, ...]
) -> None:
    refused = shell("token", *words)
    assert refused.exit_code in (1, 2)
    assert refused.stderr
    assert "Traceback" not in refused.stderr


def test_audit_tells_an_intact_history_from_a_changed_one(shell: Shell) -> None:
    shell("customers", "import", shell.file(FILE))
    intact = shell("audit", "verify", "--json")
    assert intact.exit_code == 0
    assert orjson.loads(intact.stdout) | {"head": ""} == {
        "intact": True, "entries": 1, "erased": 0, "head": "", "flaws": []
    }  # fmt: skip
    assert "intact" in shell("audit", "verify").stdout
    shell.sql("UPDATE timeline SET body = replace(body, '津门', '别人')")
    changed = shell("audit", "verify")
    assert changed.exit_code == 1
    assert "1: the body was changed" in changed.stderr


def test_a_database_that_cannot_be_opened_is_one_clear_error(shell: Shell) -> None:
    (shell.folder / "var").write_text("a file where the folder should be")
    refused = shell("audit", "verify")
    assert refused.exit_code == 1
    assert "mend" in refused.stderr or "folder" in refused.stderr
