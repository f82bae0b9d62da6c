"""The agents' telephones: can calls reach them?"""

from collections.abc import Sequence

from ari_app.doctor.finding import Finding, fail, ok, warn
from asterisk_conf import ami
from asterisk_conf.errors import ManagerError
from asterisk_conf.secrets import Secrets
from asterisk_conf.settings import AgentSettings, PbxSettings

UNREACHABLE = ("Unavailable", "Invalid", "Unknown")


async def phones(pbx: PbxSettings, passwords: Secrets) -> list[Finding]:
    """Ask Asterisk over AMI; nothing if AMI does not answer, which is a finding of its own."""
    if not pbx.agents:
        return []
    try:
        async with ami.session(pbx, passwords) as session:
            endpoints = await session.rows("PJSIPShowEndpoints", "EndpointList")
    except ManagerError:
        return []
    return reachable(pbx.agents, endpoints)


def reachable(agents: Sequence[AgentSettings], endpoints: Sequence[ami.Row]) -> list[Finding]:
    """Which agents have a telephone, from AMI's EndpointList. One at a fixed address counts: it
    is not asked whether it lives."""
    states = {row["ObjectName"]: row["DeviceState"] for row in endpoints}
    missing = [one.extension for one in agents if states.get(one.extension, "") in UNREACHABLE]
    if not missing:
        return [ok("phones", f"{len(agents)} 部可达 / {len(agents)} can be reached")]
    shown = ", ".join(missing[:8]) + (" …" if len(missing) > 8 else "")
    mend = (
        "检查话机的服务器、分机和密码 / check server, extension and password of the phone: "
        "huisheng pbx show; or give it a fixed contact: in pbx.agents"
    )
    if len(missing) == len(agents):
        what = "没有一部坐席话机在线:来电都将留言 / no agent's phone is registered: callers are "
        return [fail("phones", f"{what}asked for a message ({shown})", mend)]
    what = f"{len(missing)}/{len(agents)} 部未注册 / are not registered: {shown}"
    return [warn("phones", what, mend)]
