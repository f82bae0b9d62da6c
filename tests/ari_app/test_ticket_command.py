"""An administrator sees the lifecycle without asking a programmer."""

import pytest
from typer.testing import CliRunner

from ari_app.cli.main import build
from desk.tickets import picture


@pytest.mark.parametrize(
    ("options", "shown"),
    [([], picture.text()), (["--mermaid"], picture.mermaid()), (["--dot"], picture.dot())],
)
def test_the_lifecycle_is_drawn(options: list[str], shown: str) -> None:
    done = CliRunner().invoke(build("ticket"), ["ticket", "lifecycle", *options])
    assert (done.exit_code, done.stdout) == (0, shown)


def test_two_formats_at_once_are_refused() -> None:
    done = CliRunner().invoke(build("ticket"), ["ticket", "lifecycle", "--dot", "--mermaid"])
    assert done.exit_code == 2
