"""The pages that customers open by a link from an SMS or e-mail: the only ones meant for everybody.

A GET shows a question and changes nothing, for mail scanners open links; the POST answers. The
token in the path is all that authorises, so a foreign page that does not know it can send nothing.
A link that was never made, has expired or was used shows the same page.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Connection

from desk import links, surveys
from desk.api.request_rate import RequestRate, address_of
from desk.api.state import ApiState, state_of
from desk.errors import DatabaseError
from desk.links import Purpose
from desk.numbering import ticket_number
from desk.surveys import POINTS, SurveyPolicy

log = structlog.get_logger()

HERE = Path(__file__).parent
STYLE = (HERE / "static" / "link.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
RETRY_SECONDS = 30
OWN_SITE = {"same-origin", "none"}
SOLVED = {"solved": True, "not_solved": False}
WORDS = {
    5: ("非常满意", "very satisfied"),
    4: ("满意", "satisfied"),
    3: ("一般", "neither"),
    2: ("不满意", "dissatisfied"),
    1: ("非常不满意", "very dissatisfied"),
}

router = APIRouter(include_in_schema=False)
_pages = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True, slots=True, eq=False)
class PublicPages:
    """What the pages need to know. `company`: as customers know it."""

    policy: SurveyPolicy
    company: str
    rate: RequestRate = field(init=False)

    def __post_init__(self) -> None:
        """One rate for this process."""
        object.__setattr__(self, "rate", RequestRate(self.policy.links.most_per_minute))


@dataclass(frozen=True, slots=True)
class Question:
    """What a link asks about which ticket."""

    purpose: Purpose
    number: str


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer that was taken. `survey`: the token of the link by which the customer may say on
    the same page how it was; None: is not asked.
    """

    survey: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A form as it came. `solved`, `points`: None where the form does not say."""

    solved: bool | None
    points: int | None
    words: str


def pages_of(request: Request) -> PublicPages:
    """The application's pages for customers."""
    pages: PublicPages = request.app.state.public
    return pages


Desk = Annotated[ApiState, Depends(state_of)]
Pages = Annotated[PublicPages, Depends(pages_of)]


@router.api_route("/l/{token}", methods=["GET", "HEAD"])
async def show(request: Request, desk: Desk, pages: Pages, token: str) -> HTMLResponse:
    """The question that a link asks."""
    if not _in_time(request, desk, pages):
        return _page("busy", pages, 429)
    try:
        question = await desk.db.read(question_of, token, desk.now())
    except DatabaseError as error:
        log.warning("a customer's link was not shown", error=str(error))
        return _page("busy", pages, 503)
    if question is None:
        return _page("none", pages, 404)
    return _page(question.purpose, pages, number=question.number, missing=False)


@router.post("/l/{token}")
async def answer(request: Request, desk: Desk, pages: Pages, token: str) -> HTMLResponse:
    """Take an answer."""
    if not _in_time(request, desk, pages):
        return _page("busy", pages, 429)
    if request.headers.get("sec-fetch-site", "none") not in OWN_SITE:
        return _page("none", pages, 404)
    given = _answer(await request.body())
    try:
        question = await desk.db.read(question_of, token, desk.now())
        if question is None:
            return _page("none", pages, 404)
        said = given.solved if question.purpose == "confirm" else given.points
        if said is None:
            return _page(question.purpose, pages, 422, number=question.number, missing=True)
        taken = await desk.db.write(_take, token, question.purpose, given, pages, desk.now())
    except DatabaseError as error:
        log.warning("a customer's answer was not taken", error=str(error))
        return _page("busy", pages, 503)
    if taken is None:
        return _page("none", pages, 404)
    again = question.purpose == "confirm" and given.solved is False
    if taken.survey is None:
        return _page("thanks", pages, again=again)
    number = question.number
    return _page("survey", pages, number=number, missing=False, thanks=True, action=taken.survey)


def question_of(db: Connection, token: str, now: datetime) -> Question | None:
    """What a link asks; None: nothing (any more). Only reads."""
    link = links.open(db, token, now)
    if link is None:
        return None
    if link.purpose == "confirm" and links.confirmable(db, token, now) is None:
        return None
    return Question(link.purpose, ticket_number(link.ticket_id))


def _take(
    db: Connection, token: str, purpose: Purpose, given: Answer, pages: PublicPages, now: datetime
) -> Taken | None:
    policy = pages.policy
    if purpose == "confirm":
        ticket = links.confirm(db, token, bool(given.solved), given.words, now)
        if ticket is None:
            return None
        return Taken(surveys.ask_on_page(db, ticket.id, policy, now) if given.solved else None)
    points = given.points or 0
    taken = surveys.answer_by_link(db, token, points, given.words, policy.settings, now)
    return Taken() if taken else None


def _in_time(request: Request, desk: ApiState, pages: PublicPages) -> bool:
    peer = request.client.host if request.client is not None else None
    forwarded = request.headers.get("x-forwarded-for")
    address = address_of(peer, forwarded, pages.policy.links.proxies)
    return pages.rate.allows(address, desk.now().timestamp())


def _answer(body: bytes) -> Answer:
    try:
        form = parse_qs(body.decode(), max_num_fields=10)
    except ValueError:
        form = {}
    said = form.get("answer", [""])[0]
    points = int(said) if said.isascii() and said.isdigit() and len(said) == 1 else None
    return Answer(
        solved=SOLVED.get(said),
        points=points if points in POINTS else None,
        words=form.get("words", [""])[0],
    )


def _page(name: str, pages: PublicPages, status: int = 200, **shown: Any) -> HTMLResponse:
    page = _pages.get_template("link.html").render(
        page=name,
        company=pages.company,
        style=Markup(STYLE),  # noqa: S704 - our own file
        scale=WORDS,
        **{"thanks": False, "action": None, **shown},
    )
    headers = HEADERS | ({"Retry-After": str(RETRY_SECONDS)} if name == "busy" else {})
    return HTMLResponse(page, status, headers=headers)
