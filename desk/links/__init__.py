"""Web links for customers, who have no account: a secret in an SMS or e-mail, good for one answer.

`make` one, send its `url`, `open` it to show the question (which changes nothing: mail scanners
open links too), `use` it with the answer. One that was never made, has expired or was used is
None alike: who tries links learns nothing. `confirm` takes the answer of a link that asks whether a
case is solved; those of surveys are taken by `desk.surveys`.
"""

from desk.links.confirming import confirm, confirmable
from desk.links.links import Link, Purpose, make, open, use  # noqa: A004 - the field's word
from desk.links.settings import LinkSettings
from desk.links.url import PATH, url

__all__ = [
    "PATH",
    "Link",
    "LinkSettings",
    "Purpose",
    "confirm",
    "confirmable",
    "make",
    "open",
    "url",
    "use",
]
