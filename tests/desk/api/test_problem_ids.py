"""docs/api.md names every error that a program may meet, and none that it cannot."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SECTION = TEXT[TEXT.index("## Errors") :].partition("\n## ")[0]
NAMED = re.findall(r"^\| `([a-z][a-z0-9-]*)` \| (\d{3})", SECTION, re.M)
AN_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
AT_HOME = {"desk-error", "recordings-failed", "port-taken", "system-name-taken"}
"""Bases of other errors, and what is told before there is an API."""
OF_THE_PATH = {"no-such-edition"}
"""The same of whatever the path is about."""


def _made_by(path: Path) -> Iterator[str]:
    """The ids of problems that a module raises or answers, and of its classes of errors."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(getattr(target, "id", "") == "error_id" for target in targets):
                yield from _text(node.value)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
            yield from _text(node.args[1])
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_unauthorized":
            yield from _text(node.args[0])


def _named_by(node: ast.ClassDef) -> Iterator[str]:
    """The id that a class of errors gives itself."""
    for line in node.body:
        if isinstance(line, ast.Assign | ast.AnnAssign):
            targets = line.targets if isinstance(line, ast.Assign) else [line.target]
            if any(getattr(target, "id", "") == "error_id" for target in targets):
                yield from _text(line.value)


def _text(node: ast.expr | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _all() -> set[str]:
    modules = sorted((ROOT / "desk").rglob("*.py"))
    return {found for path in modules for found in _made_by(path)} - AT_HOME


def test_every_error_is_named_once() -> None:
    names = [name for name, _ in NAMED]
    assert len(names) == len(set(names))
    assert _all() - set(names) == set(), "add them to the table under Errors in docs/api.md"


def test_an_id_means_one_thing() -> None:
    classes: dict[str, list[str]] = {}
    for path in sorted((ROOT / "desk").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                for found in _named_by(node):
                    classes.setdefault(found, []).append(node.name)
    assert {name for name, several in classes.items() if len(several) > 1} == OF_THE_PATH


def test_no_error_is_named_that_nothing_raises() -> None:
    by_the_framework = {"method-not-allowed", "http-error"}
    assert {name for name, _ in NAMED} - _all() == by_the_framework


def test_an_id_is_words_and_hyphens() -> None:
    assert [found for found in _all() if not AN_ID.fullmatch(found)] == []
