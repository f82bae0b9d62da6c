"""The `attachments:` section of config.yaml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MIB = 1 << 20

Kind = Literal["jpg", "png", "gif", "webp", "pdf", "docx", "xlsx", "pptx", "txt", "csv", "mp3",
               "wav", "amr", "m4a", "mp4"]  # fmt: skip


class AttachmentSettings(BaseModel):
    """What may be attached to a ticket, and how much of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    types: list[Kind] = Field(
        default=["jpg", "png", "gif", "webp", "pdf", "docx", "xlsx", "pptx", "txt", "csv", "mp3",
                 "wav", "amr", "m4a", "mp4"],
        min_length=1,
    )  # fmt: skip
    most_mib: int = Field(default=20, ge=1, le=2048)
    ticket_mib: int = Field(default=200, ge=1, le=65536)
    most_per_ticket: int = Field(default=50, ge=1, le=1000)
    upload_seconds: int = Field(default=120, ge=1, le=3600)
    uploads_at_once: int = Field(default=4, ge=1, le=100)

    @property
    def most_bytes(self) -> int:
        """The longest file."""
        return self.most_mib * MIB

    @property
    def ticket_bytes(self) -> int:
        """Of all of a ticket's files together."""
        return self.ticket_mib * MIB
