"""Calls to customers: settings that a carrier, a customer or the law does not go along with."""

from collections.abc import Iterator

from ari_app.doctor.finding import Finding, ok, warn
from ari_app.outbound_settings import HOTLINE
from ari_app.settings import Settings


def outbound(settings: Settings) -> Iterator[Finding]:
    """Would a call to a customer get through, and is it kept as it must be?"""
    calls, check = settings.outbound, "outbound"
    if calls.trunk is None:
        yield ok(check, "不外呼,改用短信和人工 / no calls: customers are asked by SMS, by people")
        return
    shown = calls.shown_number or settings.pbx.line_numbers[0]
    sound = True
    if shown.lstrip("+").removeprefix("86").startswith(HOTLINE):
        sound = False
        yield warn(
            check,
            f"{shown} 只能呼入,运营商会拒绝 / takes calls only; carriers refuse it as caller id",
            "填运营商给的外显号码 / set outbound.shown_number to one that the carrier gave you",
        )
    if not settings.recording.talks:
        sound = False
        yield warn(
            check,
            "外呼不录音 / calls to customers are not recorded, and must be kept 30 days",
            "recording.talks: true",
        )
    if calls.limits.most_at_once > settings.pbx.most_calls:
        sound = False
        yield warn(
            check,
            "同时外呼上限高于线路容量 / outbound.limits.most_at_once is above pbx.most_calls",
            "改小 / lower it: callers need the line too",
        )
    if sound:
        yield ok(check, f"经 {calls.trunk},显示 {shown} / over {calls.trunk}, showing {shown}")
