"""Names in the `queue:` section and in the agents' attributes that lead nowhere."""

from collections.abc import Iterator

from ari_app.ivr.check import ABROAD
from ari_app.problem import Problem, unknown
from ari_app.queue.settings import DEFAULT, QueueSettings
from asterisk_conf.settings import PbxSettings
from desk.region import areas


def check_queue(queue: QueueSettings, pbx: PbxSettings) -> Iterator[Problem]:
    """Every problem, in the order of the file."""
    provinces = {area.province for area in areas().values()} | ABROAD
    for position, agent in enumerate(pbx.agents):
        for place, region in enumerate(agent.regions):
            area = areas().get(region)
            at = ("pbx", "agents", position, "regions", place)
            if area is not None and area.area_code != region:
                yield Problem(at, f"{region} was merged into {area.area_code}; use that")
            elif area is None and region not in provinces:
                yield Problem(at, unknown("area code or province", region, provinces))
    teams = {agent.team for agent in pbx.agents}
    for name in queue.rules:
        if name != DEFAULT and name not in teams:
            yield Problem(("queue", "rules", name), unknown("team", name, {*teams, DEFAULT}))
