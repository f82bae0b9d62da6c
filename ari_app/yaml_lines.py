"""YAML that remembers on which line each value stands, so that an error can say where."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.error import YAMLError as RuamelError
from ruamel.yaml.reader import ReaderError

from ari_app.problem import Problem

MOST_BYTES = 1_000_000
MOST_VALUES = 100_000  # counted with every alias written out


class YamlError(Exception):
    """The file cannot be read as a YAML mapping. `str()` is `file:line: what, the mend`."""


class _PlainDates(RoundTripConstructor):
    """Dates stay texts: whoever wants a date checks it, and can say on which line it stands."""


_PlainDates.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_scalar)


@dataclass(frozen=True)
class LinedYaml:
    """A parsed file: `data` as read, `describe` to say where a problem is."""

    path: Path
    data: Any

    @classmethod
    def read(cls, path: Path) -> "LinedYaml":
        """Parse `path`. No tag in it constructs anything but data.

        Raises:
            YamlError: missing, unreadable, too large, not UTF-8, not YAML, or not a mapping.
        """
        data = _parsed(path, _text(path))
        if data is None:
            raise YamlError(f"{path}:1: the file is empty; begin with the config.yaml we ship")
        if not isinstance(data, dict):
            raise YamlError(f"{path}:1: the file must be a mapping of sections such as `ivr:`")
        if _values(data, {}) > MOST_VALUES:
            raise YamlError(f"{path}: aliases (*) repeat too much; write the values out")
        return cls(path, data)

    def line_of(self, location: Sequence[int | str]) -> int:
        """The line (from 1) of the deepest part of `location` that the file contains."""
        node, line = self.data, 1
        for part in location:
            marks = getattr(node, "lc", None)
            if marks is None or marks.data is None:
                break
            found = _written(node, part)
            if found is not None:  # else a union's tag, which pydantic puts into the path
                line = marks.data[found][0] + 1
                node = node[found]
        return line

    def describe(self, problems: Sequence[Problem]) -> list[str]:
        """`file:line: section.key: what is wrong` per problem, in the order of the file."""
        lined = sorted(((self.line_of(p.location), p) for p in problems), key=lambda x: x[0])
        return [
            f"{self.path}:{line}: {'.'.join(str(part) for part in p.location)}: {p.message}"
            for line, p in lined
        ]


def _written(node: Any, part: int | str) -> Any:
    """The key or index of `part` as the file writes it (`1` may stand for `"1"`), or None."""
    if isinstance(node, list):
        return part if isinstance(part, int) and part < len(node) else None
    if isinstance(node, CommentedMap):
        # a key that a merge (<<) brought along has no place of its own here
        return next((k for k in node if str(k) == str(part) and k in node.lc.data), None)
    return None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise YamlError(f"{path}: no such file; give its path with --config") from error
    except OSError as error:
        raise YamlError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MOST_BYTES:
        raise YamlError(f"{path}: larger than {MOST_BYTES:,} bytes; this is no config.yaml")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise YamlError(f"{path}:{line}: not UTF-8 text; save it as UTF-8") from error


def _parsed(path: Path, text: str) -> Any:
    yaml = YAML(typ="rt")
    yaml.Constructor = _PlainDates
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(f"{path}:{line}: {_sentence(error)}") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"{path}:{line}: a character that no text has; remove it") from error
    except RecursionError as error:
        raise YamlError(f"{path}: nested too deeply; this is no config.yaml") from error
    except (RuamelError, ValueError) as error:
        raise YamlError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from error


def _values(node: Any, counted: dict[int, float]) -> float:
    """How many values `node` has when its aliases are written out; endless within itself."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) not in counted:
        counted[id(node)] = math.inf  # while it is open: an alias to it from within
        parts = node.values() if isinstance(node, dict) else node
        counted[id(node)] = 1 + sum(_values(part, counted) for part in parts)
    return counted[id(node)]


def _sentence(error: MarkedYAMLError) -> str:
    problem = str(error.problem)
    if isinstance(error, DuplicateKeyError):
        key = re.search(r'duplicate key "?(.*?)"? with value', problem)
        return f"{key[1] if key else 'a key'} is given twice; remove one"
    if "'\\t'" in problem:
        return "not valid YAML: a tab; indent with spaces"
    if "another document" in problem:
        return "not valid YAML: a second document begins; remove the line ---"
    if "undefined alias" in problem:
        return f"not valid YAML: {problem}; define it with & above, or put quotes round a *"
    return f"not valid YAML: {problem}; look at this line and the one above"
