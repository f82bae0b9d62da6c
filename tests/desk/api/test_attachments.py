"""Files come in piece by piece within bounds, and go out only to be saved, each reading noted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from desk import timeline
from tests.desk.api.conftest import Api
from tests.desk.teamwork import files

ONE = "/api/v1/tickets/100014/attachments"
WRITE, READ, GET = "tickets:write", "tickets:read", "attachments:read"


async def send(
    api: Api, data: Any = files.PNG, name: str = "照片.png", kind: str = "image/png",
    scope: str = WRITE, path: str = ONE,
) -> httpx.Response:  # fmt: skip
    headers = {**await api.token(scope), "Content-Type": kind}
    return await api.http.post(path, params={"name": name}, content=data, headers=headers)


def kept(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "attachments"
    return list(folder.iterdir()) if folder.exists() else []


async def kinds(api: Api) -> list[str]:
    entries = await api.db.read(timeline.entries_after, 0, 999, ticket_id=1)
    return [entry.kind for entry in entries if entry.kind.startswith("attachment.")]


async def test_a_file_goes_in_and_comes_out_to_be_saved(api: Api, tmp_path: Path) -> None:
    made = await send(api)
    assert made.status_code == 201, made.text
    told = made.json()
    assert made.headers["location"] == told["content"]
    assert (told["name"], told["type"], told["bytes"]) == ("照片.png", "image/png", len(files.PNG))
    again = await send(api)
    assert (again.status_code, again.json()["id"]) == (200, told["id"])
    assert len(kept(tmp_path)) == 1
    given = await api.get(told["content"], GET)
    assert given.content == files.PNG
    headers = given.headers
    assert headers["content-type"] == "image/png"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == (
        "attachment; filename=\"__.png\"; filename*=UTF-8''%E7%85%A7%E7%89%87.png"
    )
    assert "sandbox" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, no-store"
    await api.get(told["content"], GET)
    assert await kinds(api) == ["attachment.added", "attachment.accessed"]
    listed = (await api.get(ONE, READ)).json()["items"]
    assert [one["id"] for one in listed] == [told["id"]]


async def test_what_is_in_a_file_needs_a_scope_of_its_own(api: Api) -> None:
    told = (await send(api)).json()
    assert (await api.get(told["content"], READ)).status_code == 403
    assert (await api.get(told["content"])).status_code == 401
    assert (await send(api, scope=READ)).status_code == 403


async def test_a_file_that_is_not_what_it_says_is_refused_and_gone(
    api: Api, tmp_path: Path
) -> None:
    for data, name, kind in (
        (files.HTML, "a.png", "image/png"),
        (files.ELF, "a.txt", "text/plain"),
        (files.PNG, "a.png", "image/jpeg"),
        (files.PNG, "a.html", "image/png"),
        (files.SVG, "a.svg", "image/svg+xml"),
        (files.PNG + files.archive(), "a.png", "image/png"),
        (b"", "a.png", "image/png"),
    ):
        answer = await send(api, data, name, kind)
        assert answer.status_code == 422, name
        assert answer.json()["error_id"] == "attachment-refused"
    assert kept(tmp_path) == []
    assert await kinds(api) == []


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_that_is_too_large_is_stopped_on_its_way(
    api: Api, tmp_path: Path, announced: bool
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(3000):
            sent += 65_536
            yield b"\0" * 65_536

    data: Any = b"\0" * (1 << 20 | 1) if announced else endless()
    try:
        answer = await send(api, data)
    except httpx.HTTPError:  # the server closed while we were still sending
        answer = None
    assert answer is None or answer.json()["error_id"] == "attachment-too-large"
    assert sent < 3000 * 65_536
    assert kept(tmp_path) == []


async def test_a_sender_who_goes_leaves_nothing(api: Api, tmp_path: Path) -> None:
    token = (await api.token(WRITE))["Authorization"]
    host, port = httpx.URL(api.server.url).host, httpx.URL(api.server.url).port
    _, writer = await asyncio.open_connection(host, port)
    writer.write(
        f"POST {ONE}?name=a.png HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: {token}\r\n"
        f"Content-Type: image/png\r\nContent-Length: 500000\r\n\r\n".encode()
        + files.PNG
    )
    await writer.drain()
    async with asyncio.timeout(10):
        while not kept(tmp_path):
            await api.db.read(timeline.last_seq)
        writer.close()
        while kept(tmp_path):
            await api.db.read(timeline.last_seq)
    assert await kinds(api) == []


async def test_names_cannot_lead_anywhere(api: Api) -> None:
    for name, shown in (
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\x\\a.png", "a.png"),
        ("a\r\nX: y.png", "a__X: y.png"),
        ("\u202egnp.png", "_gnp.png"),
        ('a";b.png', 'a";b.png'),
    ):
        made = await send(api, files.PNG, name)
        assert made.json()["name"] == shown, name
        given = await api.get(made.json()["content"], GET)
        assert "\n" not in given.headers["content-disposition"]
        assert 'filename="' in given.headers["content-disposition"]


async def test_a_deleted_file_is_gone_and_others_tickets_files_are_not_given(
    api: Api, tmp_path: Path
) -> None:
    told = (await send(api)).json()
    path = f"{ONE}/{told['id']}"
    other = path.replace("100014", "100023")
    assert (await api.get(f"{other}/content", GET)).status_code == 404
    gone = await api.send("DELETE", path, WRITE, "tickets:override")
    assert (gone.status_code, gone.json()) == (200, {"items": []})
    assert kept(tmp_path) == []
    assert (await api.get(f"{path}/content", GET)).status_code == 404


async def test_a_lost_file_is_an_error_with_the_mend(api: Api, tmp_path: Path) -> None:
    told = (await send(api)).json()
    [path] = kept(tmp_path)
    path.unlink()
    lost = await api.get(told["content"], GET)
    assert (lost.status_code, lost.json()["error_id"]) == (500, "attachment-lost")
    assert "attachment.accessed" not in await kinds(api)


async def test_so_many_uploads_at_once_and_no_more(api: Api, tmp_path: Path) -> None:
    held = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield files.PNG[:10]
        await held.wait()
        yield files.PNG[10:]

    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(send(api, slow(), f"{n}.png")) for n in range(4)]
        async with asyncio.timeout(10):
            while len(kept(tmp_path)) < 4:
                await api.db.read(timeline.last_seq)
        full = await send(api, files.PNG, "five.png")
        assert (full.status_code, full.json()["error_id"]) == (503, "uploads-full")
        assert full.headers["retry-after"] == "5"
        held.set()
    assert [task.result().status_code for task in waiting] == [201] * 4
