"""Whose a call is: several systems may serve one desk, each with an Asterisk of its own."""

import re

_REST = re.compile(r"\d+\.\d+|(?:outbound|callback)-\d+-\w+")


def is_own(call_id: str, system_name: str) -> bool:
    """Whether the system of this name (`pbx.system_name`) has given this id: its Asterisk, as
    `name-seconds.number`, or we, to a call that we place. A name may begin as another one does:
    the calls of huisheng-2 are not huisheng's.
    """
    own = f"{system_name}-"
    return call_id.startswith(own) and _REST.fullmatch(call_id, len(own)) is not None
