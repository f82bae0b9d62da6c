"""@8001, @张敏, @zhang.min, @team:天津: who is spoken to in a note. Pure.

Chinese is written without spaces, so a name ends where the longest known one does: in
`请@张敏看一下` 张敏 is mentioned. `@@` is a plain @, and an @ inside of a word (an e-mail address)
is none of ours.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desk.errors import Unacceptable
from desk.teamwork.people import TEAM, Roster

MOST = 20
_AT = "@\N{FULLWIDTH COMMERCIAL AT}"
_PLAIN = re.compile(rf"[{_AT}]{{2}}")
_WORD = re.compile(
    r"(?:team:)?[^\s,，。.;；!！?？、()（）「」“”\"'<>《》:：@＠]{1,40}", re.IGNORECASE
)
_MOST_NAME = 130


class UnknownMention(Unacceptable):
    """A note speaks to nobody who is known, or to nobody in particular."""

    error_id = "unknown-mention"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            f"{'; '.join(problems)}; write the account, the extension or team:NAME after the @, "
            "or @@ for a plain @"
        )
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a text speaks to.

    Attributes:
        addresses: each once, in the order of the text.
        unknown: words after an @ that name nobody.
        ambiguous: names that several people have, with the addresses of each.
    """

    addresses: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    ambiguous: Mapping[str, tuple[str, ...]] | None = None

    def problems(self) -> list[str]:
        """A sentence for each that is not clear."""
        found = [f"nobody here is called {word!r}" for word in self.unknown]
        for name, several in (self.ambiguous or {}).items():
            found.append(f"{name!r} is the name of {', '.join(several)}")
        if len(self.addresses) > MOST:
            found.append(f"{len(self.addresses)} are mentioned, and {MOST} at most can be")
        return found


def mentioned(text: str, roster: Roster) -> Mentions:
    """Whom a text speaks to, among those of the roster."""
    named = roster.named()
    longest_first = sorted(named, key=len, reverse=True)
    addresses: dict[str, None] = {}
    unknown: dict[str, None] = {}
    ambiguous: dict[str, tuple[str, ...]] = {}
    for rest in _after_each_at(text):
        name = next((name for name in longest_first if _begins(rest, name)), None)
        if name is None:
            if word := _WORD.match(rest):
                unknown[word[0]] = None
        elif len(named[name]) > 1:
            ambiguous[rest[: len(name)]] = tuple(named[name])
        else:
            addresses[named[name][0]] = None
    return Mentions(tuple(addresses), tuple(unknown), ambiguous)


def checked(text: str, roster: Roster) -> tuple[str, ...]:
    """The addresses of those whom a text speaks to.

    Raises:
        UnknownMention: one of them is not clear.
    """
    found = mentioned(text, roster)
    problems = found.problems()
    if problems:
        raise UnknownMention(problems)
    return found.addresses


def _after_each_at(text: str) -> list[str]:
    """What follows each @ that begins a word, with an ASCII colon."""
    text = _PLAIN.sub("\0\0", text)
    found = []
    for place, char in enumerate(text):
        inside = place > 0 and (text[place - 1].isascii() and text[place - 1].isalnum())
        if char in _AT and not inside:
            found.append(text[place + 1 : place + 1 + _MOST_NAME].replace("：", ":"))
    return found


def _begins(rest: str, name: str) -> bool:
    """Whether the text begins with a name that ends there: `80012` does not begin with `8001`."""
    if rest[: len(name)].casefold() != name:
        return False
    after = rest[len(name) : len(name) + 1]
    word = name[-1].isascii() and name[-1].isalnum()
    return not (word and after.isascii() and (after.isalnum() or after in ("_", "-")) and after)


def is_team(address: str) -> bool:
    """Whether a mention is of a team."""
    return address.startswith(TEAM)
