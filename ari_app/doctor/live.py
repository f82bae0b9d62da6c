"""How many parties can this machine hear while they speak?"""

import re
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from ari_app.doctor.deadline import aside
from ari_app.doctor.finding import Finding, ok, split, warn
from ari_app.doctor.line import host_of
from ari_app.settings import Settings
from stt.errors import SpeechError
from stt.live.rehearsal import rehearse
from stt.model import describe
from stt.recogniser import SpeechModel

ANSWER_SECONDS = 3.0
TRIAL_SECONDS = 8.0
SMALL_BYTES = 300 << 20  # of a model that is loaded for a trial
PARTIES = 2  # of a talk
_FIGURE = re.compile(r"^huisheng_live_(\w+?)(?:_total)? ([0-9.eE+-]+)$", re.MULTILINE)


async def live(settings: Settings, line_runs: bool) -> list[Finding]:
    """From what the running line has measured; without one, from a trial of the model."""
    speech = settings.speech
    if not speech.live.enabled:
        return [ok("live", "已关闭:事后转写 / switched off: talks are transcribed afterwards")]
    if line_runs:
        url = f"http://{host_of(settings.api.host)}:{settings.api.port}/metrics"
        return told(settings, await _figures(url))
    path = describe(speech).path
    if await aside(lambda: _bytes(path), ANSWER_SECONDS) > SMALL_BYTES:
        return [ok("live", "大模型,线路启动时实测 / a large model: measured when the line starts")]
    try:
        cost = await aside(lambda: rehearse(SpeechModel.load(path)), TRIAL_SECONDS)
    except SpeechError as error:
        what, mend = split(error)
        return [warn("live", f"不能试听 / cannot be tried: {what}", mend)]
    capacity = speech.live.cores * speech.live.headroom
    return [_enough(settings, capacity / cost)]


def told(settings: Settings, figures: Mapping[str, float]) -> list[Finding]:
    """Findings on what the line says of itself, by the metrics' names without `huisheng_live_`."""
    if "cost_threads" not in figures:
        return []  # the line does not answer: a finding of its own
    found = []
    if figures.get("stuck_threads"):
        found.append(
            warn(
                "live",
                f"{figures['stuck_threads']:.0f} 个识别线程卡住 / recogniser threads are stuck",
                "检查识别引擎,空闲时重启线路 / look at the speech engine; restart the line when "
                "there is time",
            )
        )
    found.append(_enough(settings, figures["capacity_threads"] / figures["cost_threads"]))
    if refused := figures.get("streams_refused"):
        found.append(
            ok(
                "live",
                f"启动以来 {refused:.0f} 人改为事后转写 / parties left to be transcribed "
                "afterwards since the start",
            )
        )
    return found


def _enough(settings: Settings, streams: float) -> Finding:
    """Whether all agents may talk at once and be heard, with `streams` that the threads carry."""
    most = settings.speech.live.most_streams
    can = int(streams) if most is None else min(int(streams), most)
    agents = len(settings.pbx.agents)
    shown = f"可同时听 {can} 人 / {can} parties can be heard at once"
    if can >= PARTIES * agents:
        return ok("live", shown)
    return warn(
        "live",
        f"{shown};{agents} 名坐席全忙时需 {PARTIES * agents} / {PARTIES * agents} speak when "
        f"{agents} agents talk: the others are transcribed afterwards",
        "增加 CPU 核,或提高 speech.live.threads / add cores, or raise speech.live.threads and "
        "most_streams; nothing is lost",
    )


async def _figures(url: str) -> dict[str, float]:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session,
            session.get(url) as response,
        ):
            text = await response.text()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return {}
    return {name: float(value) for name, value in _FIGURE.findall(text)}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
