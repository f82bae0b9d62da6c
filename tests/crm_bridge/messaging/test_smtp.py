"""E-mails go through a real SMTP server, and what it says decides what becomes of them."""

import asyncio
import email
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from pydantic import ValidationError
from sqlalchemy import Connection

from crm_bridge.messaging.file import FileProvider
from crm_bridge.messaging.settings import MessagingSettings, SmtpSettings
from crm_bridge.messaging.smtp import SmtpProvider
from desk import messages
from desk.db.engine import Database
from desk.messages import Message, NewMessage
from desk.messages.sending import Later, Refused, Sent, Unknown

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SENDER = "回声 <service@example.cn>"


class Server:
    """What arrived at an SMTP server, and what it answers."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.rcpt = "250 OK"
        self.data = "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data == "hang up":
            server.transport.abort()
        self.got.append(
            (envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default))
        )
        return self.data


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, SmtpProvider]]:
    told = Server()
    loop = asyncio.get_running_loop()
    running = await loop.create_server(lambda: SMTP(told, hostname="mx"), "127.0.0.1", 0)
    async with running:
        port = running.sockets[0].getsockname()[1]
        settings = SmtpSettings(
            host="127.0.0.1", port=port, security="none", sender=SENDER, deadline_seconds=5
        )
        yield told, SmtpProvider(settings, "")


async def message(db: Database) -> Message:
    def work(connection: Connection) -> Message:
        subject = "您的工单\r\nBcc: x@y.cn 已处理"
        words = "压缩机已更换。\n谢谢"
        new = NewMessage("email", "zhang@example.com", "resolved", words, None, None, "k", subject)
        number = messages.put(connection, new, NOW)
        found = messages.get(connection, number or 0)
        assert found is not None
        return found

    return await db.write(work)


async def test_an_email_arrives_as_it_was_written(
    db: Database, server: tuple[Server, SmtpProvider]
) -> None:
    told, provider = server
    result = await provider.send(await message(db))
    to, mail = told.got[0]
    assert to == ["zhang@example.com"], "a line break in a subject adds no recipient"
    assert mail.get_content().replace("\r", "").strip() == "压缩机已更换。\n谢谢"
    assert "您的工单" in mail["Subject"]
    assert "Bcc" not in mail
    assert "service@example.cn" in mail["From"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert result == Sent(mail["Message-ID"])


async def test_a_second_attempt_is_recognisable_as_the_same_email(
    db: Database, server: tuple[Server, SmtpProvider]
) -> None:
    told, provider = server
    written = await message(db)
    await provider.send(written)
    await provider.send(written)
    assert len({mail["Message-ID"] for _, mail in told.got}) == 1


@pytest.mark.parametrize(
    ("rcpt", "data", "kind"),
    [
        ("550 no such user", "250 OK", Refused),
        ("451 greylisted", "250 OK", Later),
        ("452 too many", "250 OK", Later),
        ("250 OK", "554 spam", Refused),
        ("250 OK", "451 later", Later),
        ("250 OK", "552 mailbox full", Later),
        ("250 OK", "hang up", Unknown),
    ],
)
async def test_what_the_server_says_decides(
    db: Database, server: tuple[Server, SmtpProvider], rcpt: str, data: str, kind: type
) -> None:
    told, provider = server
    told.rcpt, told.data = rcpt, data
    assert isinstance(await provider.send(await message(db)), kind)


async def test_a_server_that_is_not_there_surely_has_nothing(db: Database) -> None:
    settings = SmtpSettings(host="127.0.0.1", port=1, security="none", sender=SENDER)
    assert isinstance(await SmtpProvider(settings, "").send(await message(db)), Later)


async def test_until_a_server_is_configured_emails_are_files_that_mail_programs_open(
    db: Database, tmp_path: Any
) -> None:
    written = await message(db)
    assert await FileProvider(tmp_path / "m").send(written) == Sent(f"file-{written.id}")
    mail = email.message_from_bytes((tmp_path / "m" / "1.eml").read_bytes(), policy=default)
    assert mail["To"] == "zhang@example.com"
    assert mail.get_content().replace("\r", "").strip() == "压缩机已更换。\n谢谢"


@pytest.mark.parametrize("sender", ["nobody", "a@", "x\r\ny@z.cn", ""])
def test_a_sender_that_is_no_address_is_refused_in_the_configuration(sender: str) -> None:
    with pytest.raises(ValidationError, match="no address"):
        MessagingSettings.model_validate({"email": {"host": "h", "sender": sender}})
