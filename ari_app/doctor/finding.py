"""One thing that the doctor looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]

TITLES: Mapping[str, str] = {
    "config": "设置 config",
    "python": "Python",
    "root": "权限 rights",
    "state": "数据目录 state",
    "disk": "磁盘 disk",
    "files": "文件数 files",
    "clock": "时钟 clock",
    "timezone": "时区 zone",
    "database": "数据库 database",
    "timeline": "时间线 timeline",
    "line": "线路 line",
    "asterisk": "Asterisk",
    "ari": "ARI",
    "ami": "AMI",
    "phones": "坐席话机 phones",
    "ports": "端口 ports",
    "prompts": "提示音 prompts",
    "sipp": "SIPp",
    "speech": "语音识别 speech",
    "live": "实时转写 live",
    "recordings": "录音 recordings",
    "spool": "暂存 spool",
    "notes": "来电记录 notes",
    "region": "归属地 region",
    "calendar": "节假日 calendar",
    "levels": "服务时限 SLA",
    "rules": "路由规则 rules",
    "notices": "升级通知 notices",
    "outbound": "外呼 outbound",
    "bridge": "CRM 投递 bridge",
}
"""Every check by its id, in the order in which a person wants to read them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is so; `mend` is what to do about it, empty if nothing. Texts: Chinese / English."""

    check: str
    level: Level
    what: str
    mend: str = ""


def ok(check: str, what: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", what)


def warn(check: str, what: str, mend: str) -> Finding:
    """Calls are served, but not as they should be, or not for long."""
    return Finding(check, "warn", what, mend)


def fail(check: str, what: str, mend: str) -> Finding:
    """Calls, or what they become, are lost or refused."""
    return Finding(check, "fail", what, mend)


def split(error: object) -> tuple[str, str]:
    """Our errors and warnings read `what is so; the mend`: both parts."""
    what, _, mend = str(error).partition("; ")
    return what, mend or "看日志 / see the log of the line"
