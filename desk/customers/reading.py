"""Reading customers from CSV: the whole file is checked before anything is stored."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desk.errors import BadImport
from desk.region import locate
from desk.text import storable

# The columns, and other words for them. `name` and `numbers` must be there.
COLUMNS: dict[str, tuple[str, ...]] = {
    "external_id": ("external_id", "客户编号", "编号"),
    "name": ("name", "姓名", "名称", "客户"),
    "company": ("company", "公司", "单位"),
    "level": ("level", "级别", "等级"),
    "numbers": ("numbers", "number", "phone", "电话", "号码", "手机"),
    "email": ("email", "邮箱", "电子邮箱"),
    "note": ("note", "备注"),
}
_REQUIRED = ("name", "numbers")
_LENGTHS = {"external_id": 200, "name": 200, "company": 200, "level": 60, "email": 254,
            "note": 2000}  # fmt: skip
_BETWEEN_NUMBERS = re.compile(r"[;;/、,,\n]+")
_NO_DIGITS = re.compile(r"[\s()()\-–—.·]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
MOST_NUMBERS = 20
MOST_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One customer of the file; `line` is where it begins."""

    line: int
    external_id: str | None
    name: str
    company: str
    level: str
    numbers: tuple[str, ...]
    email: str
    note: str


def read_csv(file: Path, *, home_area_code: str = "022") -> list[CustomerRow]:
    """The customers of a CSV file in UTF-8; see `parse_csv`.

    Raises:
        BadImport: the file is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadImport(
            [f"{file}: not UTF-8 (byte {error.start}); save the table as CSV UTF-8"]
        ) from error
    return parse_csv(text, home_area_code=home_area_code)


def parse_csv(text: str, *, home_area_code: str = "022") -> list[CustomerRow]:
    """The customers of a CSV text with a header line; see `COLUMNS` for the columns.

    Several numbers in a field are separated by `;` or `/`; each may be written in any form that
    a caller id has, and is stored as E.164.

    Raises:
        BadImport: the file is wrong; has a sentence with the line number for each problem.
    """
    problems: list[str] = []
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[CustomerRow] = []
    seen: dict[str, int] = {}
    try:
        columns = _columns(next(reader, []))
        line = reader.line_num + 1
        for fields in reader:
            if any(field.strip() for field in fields):
                row = _row(line, fields, columns, home_area_code, problems.append)
                if row.external_id is not None:
                    first = seen.setdefault(row.external_id, line)
                    if first != line:
                        problems.append(
                            f"line {line}: external_id {row.external_id!r} is already on line "
                            f"{first}; keep one of them"
                        )
                rows.append(row)
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: not CSV ({error}); save the table as CSV UTF-8")
    if problems:
        more = len(problems) - MOST_PROBLEMS
        shown = problems[:MOST_PROBLEMS] + ([f"… and {more} more"] if more > 0 else [])
        raise BadImport(shown)
    return rows


def _columns(header: list[str]) -> dict[str, int]:
    """Which column holds what."""
    known = {word: column for column, words in COLUMNS.items() for word in words}
    columns: dict[str, int] = {}
    problems = []
    for position, title in enumerate(header):
        column = known.get(title.strip().lower())
        if column is None:
            problems.append(f"line 1: unknown column {title!r}; columns are {', '.join(COLUMNS)}")
        elif column in columns:
            problems.append(f"line 1: the column {column} is there twice; remove one")
        else:
            columns[column] = position
    problems += [
        f"line 1: the column {column} is missing" for column in _REQUIRED if column not in columns
    ]
    if problems:
        raise BadImport(problems)
    return columns


def _row(
    line: int,
    fields: list[str],
    columns: dict[str, int],
    home_area_code: str,
    complain: Callable[[str], None],
) -> CustomerRow:
    if len(fields) > len(columns):
        complain(f"line {line}: {len(fields)} fields, but {len(columns)} columns; quote commas")
    value = {
        column: fields[position].strip() if position < len(fields) else ""
        for column, position in columns.items()
    }
    for column, most in _LENGTHS.items():
        found = value.get(column, "")
        if len(found) > most or storable(found, most) != found:
            complain(
                f"line {line}: {column} is longer than {most} characters or holds control "
                "characters; correct it"
            )
    if not value["name"]:
        complain(f"line {line}: the name is empty; fill it in")
    if value.get("email") and not _EMAIL.fullmatch(value["email"]):
        complain(f"line {line}: {value['email']!r:.60} is no e-mail address; correct or empty it")
    return CustomerRow(
        line=line,
        external_id=value.get("external_id") or None,
        name=value["name"],
        company=value.get("company", ""),
        level=value.get("level", ""),
        numbers=_numbers(line, value["numbers"], home_area_code, complain),
        email=value.get("email", ""),
        note=value.get("note", ""),
    )


def _numbers(
    line: int, field: str, home_area_code: str, complain: Callable[[str], None]
) -> tuple[str, ...]:
    numbers: dict[str, None] = {}
    for written in _BETWEEN_NUMBERS.split(field):
        digits = _NO_DIGITS.sub("", written)
        if not digits:
            continue
        e164 = locate(digits, home_area_code).e164
        if e164:
            numbers[e164] = None
        else:
            complain(
                f"line {line}: {written.strip()!r:.60} is no number that can be called back; "
                "write it like 022-53456789 or 13812345678"
            )
    if len(numbers) > MOST_NUMBERS:
        complain(f"line {line}: {len(numbers)} numbers; a customer has at most {MOST_NUMBERS}")
    return tuple(numbers)
