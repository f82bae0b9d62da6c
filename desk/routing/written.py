"""Reading the YAML of a rule set, and remembering on which line everything stands."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarstring import FoldedScalarString, LiteralScalarString
from ruamel.yaml.tokens import (
    AliasToken,
    BlockEndToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
)

from desk.routing.errors import Finding
from desk.routing.ruleset import RuleSet

MOST_CHARACTERS = 60_000
MOST_DEPTH = 20

_BEGINS = (
    BlockMappingStartToken, BlockSequenceStartToken, FlowMappingStartToken, FlowSequenceStartToken,
)  # fmt: skip
_ENDS = (BlockEndToken, FlowMappingEndToken, FlowSequenceEndToken)

Location = Sequence[int | str]
M = TypeVar("M", bound=BaseModel)


class _PlainDates(RoundTripConstructor):
    """Dates stay texts."""


_PlainDates.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_scalar)


class Written:
    """A parsed text; says on which line a part of it stands."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def line_of(self, location: Location) -> int:
        """The line, from 1, of the deepest part of `location` that is there."""
        node, line = self.data, 1
        for part in location:
            marks = getattr(node, "lc", None)
            if marks is None or marks.data is None:
                break
            key = _key(node, part)
            if key is None:
                break
            line = marks.data[key][0] + 1
            node = node[key]
        return line

    def text_begins(self, location: Location) -> int:
        """The line on which the text at `location` begins: under its key if it is a block."""
        line, node = self.line_of(location), self.data
        for part in location:
            node = node[_key(node, part)]
        return line + isinstance(node, LiteralScalarString | FoldedScalarString)


def read(text: str) -> tuple[Written, RuleSet | None, list[Finding]]:
    """The rule set in a text, or what is wrong with its form."""
    return read_as(
        text, RuleSet, "begin with default_team:, regions:, levels:, rules:", "docs/routing.md"
    )


def read_as(
    text: str, form: type[M], beginning: str, docs: str
) -> tuple[Written, M | None, list[Finding]]:
    """What a text says, in a form; or what is wrong with it.

    Args:
        beginning: the mend for a text that is something else altogether.
        docs: where the form is described.
    """
    data, finding = _parsed(text, beginning)
    written = Written(data)
    if finding is not None:
        return written, None, [finding]
    try:
        return written, form.model_validate(data), []
    except ValidationError as error:
        return written, None, sorted(_findings(written, error, docs), key=lambda each: each.line)


def _parsed(text: str, beginning: str) -> tuple[Any, Finding | None]:
    if len(text) > MOST_CHARACTERS:
        return None, _whole(1, f"longer than {MOST_CHARACTERS:,} characters", "make fewer rules")
    yaml = YAML(typ="rt")
    yaml.Constructor = _PlainDates
    try:
        finding = _not_to_be_parsed(text)
        if finding is not None:
            return None, finding
        data = yaml.load(text)
    except DuplicateKeyError as error:
        found = re.search(r'duplicate key "?(.*?)"? with value', str(error.problem))
        what = f"{found[1] if found else 'a key'} is there twice"
        return None, _whole(_line(error), what, "remove one")
    except MarkedYAMLError as error:
        what = f"not valid YAML: {error.problem}"
        return None, _whole(_line(error), what, "look at this line and the one above")
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return None, _whole(line, "a character that no text has", "remove it")
    except RecursionError:
        return None, _whole(1, "nested too deeply", "this is no rule set")
    except (YAMLError, ValueError, NotImplementedError) as error:
        what = f"not valid YAML: {str(error).splitlines()[0] if str(error) else error!r}"
        return None, _whole(1, what, "look at its form")
    if not isinstance(data, dict):
        return None, _whole(1, "no rule set", beginning)
    return data, None


def _not_to_be_parsed(text: str) -> Finding | None:
    """What must not come to the parser, whose time grows with the square of the depth."""
    depth = 0
    for token in YAML(typ="rt").scan(text):
        line = token.start_mark.line + 1
        if isinstance(token, AliasToken):
            return _whole(line, f"an alias (*{token.value})", "write it out")
        if isinstance(token, _BEGINS):
            depth += 1
        elif isinstance(token, _ENDS):
            depth -= 1
        if depth > MOST_DEPTH:
            return _whole(line, "nested too deeply", "this is no rule set")
    return None


def _line(error: MarkedYAMLError) -> int:
    return error.problem_mark.line + 1 if error.problem_mark is not None else 1


def _whole(line: int, what: str, mend: str) -> Finding:
    return Finding(line, "the file", what, mend)


def _findings(written: Written, error: ValidationError, docs: str) -> list[Finding]:
    found = []
    for each in error.errors():
        location = [part for part in each["loc"] if part != "[key]"]
        message = each["msg"].removeprefix("Value error, ")
        what, _, mend = message.partition("; ")
        if each["type"] == "extra_forbidden":
            what, mend = "it has no such key", f"see {docs}, or remove it"
        elif each["type"] == "missing":
            what, mend = "it is missing", "add it"
        place = named(written.data, location)
        found.append(Finding(written.line_of(location), place, what, mend or f"see {docs}"))
    return found


def named(data: Any, location: Location) -> str:
    """A location as people say it: `rule legal, then.level`."""
    parts = list(location)
    if len(parts) >= 2 and parts[0] == "rules" and isinstance(parts[1], int):
        rules = data.get("rules")
        rule = rules[parts[1]] if isinstance(rules, list) and parts[1] < len(rules) else None
        name = rule.get("name") if isinstance(rule, dict) else None
        head = f"rule {name}" if isinstance(name, str) and name else f"rule {parts[1] + 1}"
        rest = ".".join(str(part) for part in parts[2:])
        return f"{head}, {rest}" if rest else head
    return ".".join(str(part) for part in parts) or "the file"


def _key(node: Any, part: int | str) -> Any:
    if isinstance(node, list):
        return part if isinstance(part, int) and part < len(node) else None
    if isinstance(node, CommentedMap):
        return next((key for key in node if str(key) == str(part)), None)
    return None
