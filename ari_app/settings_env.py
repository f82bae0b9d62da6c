"""Environment variables that override config.yaml: HUISHENG_<SECTION>__<KEY>."""

from collections.abc import Mapping, Sequence

from ari_app.problem import nearest

PREFIX = "HUISHENG_"
BETWEEN = "__"
_SECRETS = ("_PASSWORD", "_SECRET")


def variable(environment: Mapping[str, str], location: Sequence[int | str]) -> str | None:
    """The variable that gives the value at `location`, if one does."""
    for length in range(len(location), 0, -1):
        name = PREFIX + BETWEEN.join(str(part) for part in location[:length]).upper()
        found = next((given for given in environment if given.upper() == name), None)
        if found is not None:
            return found
    return None


def unread(environment: Mapping[str, str], sections: Sequence[str]) -> list[str]:
    """A sentence for each variable that looks like a setting and is none."""
    return [
        f"environment variable {name}: no section named {section!r}{_hint(section, sections)}"
        for name in environment
        if name.upper().startswith(PREFIX)
        and BETWEEN in name
        and not name.upper().endswith(_SECRETS)
        and (section := name[len(PREFIX) :].split(BETWEEN)[0].lower()) not in sections
    ]


def _hint(section: str, sections: Sequence[str]) -> str:
    near = nearest(section, sections)
    return f"; did you mean {near!r}?" if near else "; unset it"


def not_json(environment: Mapping[str, str], message: str) -> str:
    """A sentence for a whole section or list that was given as something else than JSON.

    `message` is pydantic-settings', which names the section in double quotes.
    """
    section = message.split('"')[1] if '"' in message else ""
    name = variable(environment, (section,)) or f"{PREFIX}{section.upper()}"
    return f'environment variable {name}: must be JSON, as {{"port": 8280}}'
