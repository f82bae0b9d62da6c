"""A caller who waits, and whom he needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from desk.region import Caller


@dataclass(frozen=True, slots=True)
class Need:
    """Whom a caller needs. What is empty asks for nothing.

    An `extension` asks for that agent and nobody else, whatever the other fields say.
    """

    team: str = ""
    extension: str = ""
    area_code: str = ""  # where the caller is from, with its zero: 022
    skills: frozenset[str] = frozenset()  # every one of them
    language: str = ""
    province: str = ""  # short name; looked up by the area code where it is empty

    @classmethod
    def of(
        cls,
        caller: Caller | None,
        *,
        team: str = "",
        extension: str = "",
        skills: Iterable[str] = (),
        language: str = "",
    ) -> Self:
        """The need of a caller, as far as the number tells where he is from."""
        return cls(
            team=team,
            extension=extension,
            area_code=caller.area_code if caller else "",
            skills=frozenset(skills),
            language=language,
            province=caller.province if caller else "",
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON values for the journal; only what is asked for."""
        values = {
            "team": self.team,
            "extension": self.extension,
            "area_code": self.area_code,
            "skills": sorted(self.skills),
            "language": self.language,
            "province": self.province,
        }
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The need whose `as_dict()` was journaled; fields of other versions are passed over."""
        texts = {
            name: str(values.get(name, ""))
            for name in ("team", "extension", "area_code", "language", "province")
        }
        return cls(**texts, skills=frozenset(values.get("skills", ())))


@dataclass(frozen=True, slots=True)
class Waiting:
    """One caller in the line.

    Attributes:
        id: of the call; a caller is in the line once.
        since: aware; when the wait began. The same value after a restart keeps the place.
        priority: 0 for everybody; see `priority_of`.
        last_agent: the extension that served this customer last, or `""`.
    """

    id: str
    since: datetime
    need: Need
    priority: int = 0
    last_agent: str = ""
