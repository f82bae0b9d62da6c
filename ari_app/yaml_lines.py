"""YAML that remembers on which line each value stands, so that an error can say where."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.error import YAMLError as RuamelError

from ari_app.problem import Problem


class YamlError(Exception):
    """The file cannot be read as a YAML mapping."""


@dataclass(frozen=True)
class LinedYaml:
    """A parsed file: `data` as read, `describe` to say where a problem is."""

    path: Path
    data: Any

    @classmethod
    def read(cls, path: Path) -> "LinedYaml":
        """Parse `path`.

        Raises:
            YamlError: missing, unreadable, not UTF-8, not YAML, or not a mapping.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise YamlError(f"{path}: no such file; give its path with --config") from error
        except UnicodeDecodeError as error:
            raise YamlError(f"{path}: not UTF-8 text; save it as UTF-8") from error
        except OSError as error:
            raise YamlError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            data = YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise YamlError(f"{path}:{line}: not valid YAML: {error.problem}") from error
        except RuamelError as error:
            raise YamlError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from error
        if not isinstance(data, dict):
            raise YamlError(f"{path}:1: the file must be a mapping of sections such as `ivr:`")
        return cls(path, data)

    def line_of(self, location: Sequence[int | str]) -> int:
        """The line (from 1) of the deepest part of `location` that the file contains."""
        node, line = self.data, 1
        for part in location:
            marks = getattr(node, "lc", None)
            if marks is None or marks.data is None:
                break
            try:
                line = marks.data[part][0] + 1
                node = node[part]
            except (KeyError, IndexError, TypeError):
                continue  # a union's tag, which pydantic puts into the path
        return line

    def describe(self, problems: Sequence[Problem]) -> str:
        """One line per problem: `file:line: section.key: what is wrong`."""
        return "\n".join(
            f"{self.path}:{self.line_of(p.location)}: "
            f"{'.'.join(str(part) for part in p.location)}: {p.message}"
            for p in problems
        )
