"""Area codes of Chinese fixed lines: a small table kept by hand in `area_codes.csv`.

Columns: area_code, province, cities (`|` between them, the main one first), local_digits (length of
a number without area code, `|` when both occur) and now (the code it was merged into; such a code
has no numbers left, unless local_digits says that old equipment still sends some).
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Area:
    """The region of one area code. `area_code` is the present one, `dialled` the one asked for."""

    dialled: str
    area_code: str
    province: str
    cities: tuple[str, ...]
    local_digits: tuple[int, ...]

    @property
    def city(self) -> str:
        """The main city."""
        return self.cities[0]


@cache
def areas() -> dict[str, Area]:
    """Every area code (`022`, `0315`), merged ones too, with its region."""
    text = (resources.files(__package__) / "area_codes.csv").read_text(encoding="utf-8")
    return {
        row["area_code"]: Area(
            dialled=row["area_code"],
            area_code=row["now"] or row["area_code"],
            province=row["province"],
            cities=tuple(row["cities"].split("|")),
            local_digits=tuple(int(n) for n in row["local_digits"].split("|") if n),
        )
        for row in csv.DictReader(text.splitlines())
    }
