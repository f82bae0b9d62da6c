"""The `messages:` section of config.yaml: what customers are told by SMS and e-mail, and when."""

from datetime import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from desk.messages.rendering import FIELDS, SIGNATURE, TemplateError, checked, rendered
from desk.messages.segments import segments

Language = Literal["zh", "en"]
Hours = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Body = Annotated[str, Field(min_length=1, max_length=2000)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Section):
    """The same text in Chinese and in English."""

    zh: Body
    en: Body

    @field_validator("zh", "en")
    @classmethod
    def _usable(cls, value: str) -> str:
        try:
            checked(value)
        except TemplateError as error:
            raise ValueError(str(error)) from error
        return value

    def of(self, language: Language) -> str:
        """The text in a language."""
        return self.zh if language == "zh" else self.en


class TemplateSettings(_Section):
    """A message: as SMS, as e-mail (with `subject`), or both."""

    sms: Words | None = None
    subject: Words | None = None
    email: Words | None = None

    @model_validator(mode="after")
    def _whole(self) -> "TemplateSettings":
        if self.sms is None and self.email is None:
            raise ValueError("has neither `sms` nor `email`; give one")
        if (self.email is None) != (self.subject is None):
            raise ValueError("an e-mail needs both `subject` and `email`")
        return self


def _sms(zh: str, en: str) -> TemplateSettings:
    return TemplateSettings(sms=Words(zh=zh, en=en))


TEMPLATES = {
    "resolved": TemplateSettings(
        sms=Words(
            zh="您的工单{{ number }}已处理完毕:{{ solution }}。我们会再与您确认,未解决请来电告知。",
            en="Your case {{ number }} has been dealt with: {{ solution }}. We will ask you to"
            " confirm; please call if it is not solved.",
        ),
        subject=Words(
            zh="您的工单 {{ number }} 已处理完毕", en="Your case {{ number }} has been dealt with"
        ),
        email=Words(
            zh="{{ customer or '您好' }}:\n\n您的工单 {{ number }}({{ subject }})已处理完毕:\n"
            "{{ solution }}\n\n我们会再与您确认。未解决请来电告知。\n\n{{ company }}",
            en="Dear {{ customer or 'customer' }},\n\nyour case {{ number }} ({{ subject }}) has"
            " been dealt with:\n{{ solution }}\n\nWe will ask you to confirm. Please call if it"
            " is not solved.\n\n{{ company }}",
        ),
    ),
    "confirm": _sms(
        "您的工单{{ number }}已处理完毕:{{ solution }}。已解决请回复1,未解决请回复2。",
        "Your case {{ number }} has been dealt with: {{ solution }}. Reply 1 if it is solved, 2 if"
        " it is not.",
    ),
    "confirm_link": _sms(
        "您的工单{{ number }}已处理完毕,是否解决请点击确认:{{ link }} 或回复1已解决、2未解决。",
        "Is your case {{ number }} solved? Please tell us: {{ link }} or reply 1 solved, 2 not"
        " solved.",
    ),
    "survey": TemplateSettings(
        sms=Words(
            zh="工单{{ number }}已关闭,请为我们的服务打分:{{ link }}",
            en="Your case {{ number }} is closed. Please rate our service: {{ link }}",
        ),
        subject=Words(zh="请为我们的服务打分", en="Please rate our service"),
        email=Words(
            zh="{{ customer or '您好' }}:\n\n工单 {{ number }} 已关闭,请为我们的服务打分:\n"
            "{{ link }}\n\n{{ company }}",
            en="Dear {{ customer or 'customer' }},\n\nyour case {{ number }} is closed. Please rate"
            " our service:\n{{ link }}\n\n{{ company }}",
        ),
    ),
    "waiting": _sms(
        "您的工单{{ number }}正等待您的回复或资料,请来电或直接回复本短信。",
        "Your case {{ number }} waits for your answer. Please call or reply to this message.",
    ),
    "opened": _sms(
        "您的来电已受理,工单号{{ number }},再次来电时请报此号。",
        "We have taken up your case {{ number }}. Please name this number when you call again.",
    ),
    "missed_us": _sms(
        "抱歉未能及时接听您的来电,工单{{ number }}已登记,我们会尽快回电。",
        "We are sorry that we missed your call. It is noted as case {{ number }}; we will ring"
        " you.",
    ),
    "delayed": TemplateSettings(
        subject=Words(zh="关于您的工单 {{ number }} 的进展", en="About your case {{ number }}"),
        email=Words(
            zh="{{ customer or '您好' }}:\n\n您的工单 {{ number }}({{ subject }})用时比承诺的更长,"
            "我们已升级处理。\n\n{{ company }}",
            en="Dear {{ customer or 'customer' }},\n\nyour case {{ number }} ({{ subject }}) takes"
            " longer than promised; we have escalated it.\n\n{{ company }}",
        ),
    ),
    "free": TemplateSettings(
        sms=Words(zh="{{ text }}", en="{{ text }}"),
        subject=Words(zh="关于您的工单 {{ number }}", en="About your case {{ number }}"),
        email=Words(zh="{{ text }}\n\n{{ company }}", en="{{ text }}\n\n{{ company }}"),
    ),
}
"""The messages that come along. A file's templates replace and add to these."""


class MessageSettings(_Section):
    """Messages to customers.

    signature: at the head of every SMS; `""`: the company's name. quiet: local hours in which no
    SMS is sent; they wait. per_number_daily: SMS to one number in a day; what is more waits for
    the next. give_up_hours: what could not be sent by then is dropped. most_segments: how many
    SMS one text may be paid as, at its longest. keep_days: after which numbers and words of what
    is over, and of answers, are blanked; None: they are kept. At least the 30 days for which an
    answer may be about what was written.
    """

    language: Language = "zh"
    signature: str = Field(default="", max_length=20)
    quiet: Hours | None = "21:00-08:00"
    per_number_daily: int = Field(default=6, ge=1, le=1000)
    most_segments: int = Field(default=4, ge=1, le=10)
    give_up_hours: float = Field(default=48, gt=0, le=720)
    most_attempts: int = Field(default=6, ge=1, le=100)
    retry_first_seconds: float = Field(default=10, gt=0)
    retry_most_seconds: float = Field(default=1800, gt=0)
    tell_resolved: bool = True
    keep_days: float | None = Field(default=180, ge=30)
    opt_out_words: list[Annotated[str, Field(min_length=1, max_length=20)]] = ["TD", "T", "退订"]
    templates: dict[Name, TemplateSettings] = TEMPLATES

    @field_validator("quiet")
    @classmethod
    def _some_hours_left(cls, value: str | None) -> str | None:
        if value is not None and len(set(value.split("-"))) == 1:
            raise ValueError("begins when it ends: no hour would be left; use null for none")
        return value

    @model_validator(mode="after")
    def _bounded(self) -> "MessageSettings":
        for name, template in self.all_templates.items():
            for language in ("zh", "en"):
                if template.sms is None:
                    continue
                text = SIGNATURE.format("汉" * 20) + rendered(template.sms.of(language), longest())
                paid = segments(text)
                if paid > self.most_segments:
                    raise ValueError(
                        f"templates.{name}.sms.{language} may be paid as {paid} SMS; shorten it,"
                        f" or raise most_segments ({self.most_segments})"
                    )
        return self

    @property
    def all_templates(self) -> dict[str, TemplateSettings]:
        """Those of the file, and those that come along where the file says nothing."""
        return TEMPLATES | self.templates

    @property
    def quiet_hours(self) -> tuple[time, time] | None:
        """When the quiet hours begin and end."""
        if self.quiet is None:
            return None
        first, last = self.quiet.split("-")
        return time.fromisoformat(first), time.fromisoformat(last)


def longest() -> dict[str, str]:
    """Every field as long as it may be."""
    return {name: "汉" * most for name, most in FIELDS.items()}
