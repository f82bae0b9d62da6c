"""Whatever an integrator sends that the description permits, or does not, is answered as the
description says, and never by 5xx.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Connection

from desk import customers, tokens
from desk.access import Role
from desk.api import ApiServer, Feed, create_app
from desk.db.engine import Database
from desk.recordings import Store, keys_for
from desk.settings import ApiSettings, LimitSettings
from desk.teamwork.settings import AttachmentSettings
from desk.teamwork.shelf import Shelf
from tests.desk.api.conftest import FakeControl, FakeLine
from tests.desk.api.people import make, ticket_of
from tests.rig.samples import NOW

EXAMPLES = int(os.environ.get("HUISHENG_OPENAPI_EXAMPLES", "4"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SPARED = {"token_id"}  # the token that asks is not to be revoked
TELLS_BY_503 = {"GET /readyz"}
MANY = LimitSettings(requests=10**6, failures=10**6, logins=10**6)


@dataclass
class Seeded:
    """A served API with something in it, and what is in it."""

    url: str
    headers: dict[str, str]
    schema: dict[str, Any]
    there: dict[str, list[str]]


def _seed(db: Connection) -> tuple[str, dict[str, list[str]]]:
    _, secret = tokens.create(db, "integrator", ["admin"], NOW)
    customers.import_csv(db, "name,numbers\n张三,022-53456789\n", NOW)
    numbers = [ticket_of(db, f"c{number}", team="天津", assignee="li") for number in range(5)]
    make(db, "li", Role.AGENT)
    there = {
        "number": numbers,
        "other": numbers,
        "call_id": ["c0", "c1", "c9"],
        "recording_id": ["1", "2"],
        "customer_id": ["1", "2"],
        "extension": ["8001", "8002"],
        "name": ["li"],
        "token_id": ["999"],
    }
    return secret, there


@contextmanager
def _served(folder: Path) -> Iterator[Seeded]:
    loop = asyncio.new_event_loop()
    started = threading.Event()
    stop = asyncio.Event()
    found: list[Seeded] = []

    async def serve() -> None:
        async with await Database.open(f"sqlite:///{folder / 'desk.db'}") as db:
            secret, there = await db.write(_seed)
            feed = Feed(db, 10)
            feed.close()  # a stream ends as soon as it has begun
            app = create_app(
                db,
                settings=ApiSettings(port=0, limits=MANY),
                line=FakeLine(),
                control=FakeControl(),
                feed=feed,
                recordings=Store(folder, keys_for(False), encrypt=False),
                attachments=Shelf(folder, AttachmentSettings()),
                now=lambda: NOW,
            )
            async with ApiServer(app) as server:
                headers = {"Authorization": f"Bearer {secret}"}
                found.append(Seeded(server.url, headers, app.openapi(), there))
                started.set()
                await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(60)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    with _served(tmp_path_factory.mktemp("openapi")) as api:
        yield api


def _about(case: Case, data: st.DataObject, seeded: Seeded) -> None:
    """Mostly ask for what is there, as it is now: else hardly anything is reached."""
    for name, values in seeded.there.items():
        always = name in SPARED
        if name in (case.path_parameters or {}) and (always or data.draw(st.integers(0, 3))):
            case.path_parameters[name] = data.draw(st.sampled_from(values))
    number = (case.path_parameters or {}).get("number")
    if number in seeded.there["number"] and data.draw(st.integers(0, 3)):
        now = httpx.get(f"{seeded.url}/api/v1/tickets/{number}", headers=seeded.headers)
        case.headers["If-Match"] = now.headers["etag"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_breaks_the_api_or_its_description(seeded: Seeded, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(seeded.schema)
    tried, wrong = [], []
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=timedelta(seconds=20),
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
            verbosity=Verbosity.quiet,
        )
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def ask(case: Case, data: st.DataObject) -> None:
            _about(case, data, seeded)
            checks = CHECKS[case.operation.label in TELLS_BY_503 :]
            case.call_and_validate(
                base_url=seeded.url, headers=seeded.headers, checks=checks, timeout=30
            )

        try:
            ask()
        except BaseExceptionGroup as group:
            wrong += [f"{operation.label}: {error}" for error in group.exceptions]
        except Unsatisfiable:
            pass  # nothing that could be wrong is sent with it
        except AssertionError as error:
            wrong.append(f"{operation.label}: {error}")
        tried.append(operation.label)
    assert not wrong, "\n\n".join(wrong)
    assert len(tried) == sum(len(methods) for methods in seeded.schema["paths"].values())
