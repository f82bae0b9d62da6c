"""Whom a caller may get as he waits longer: the rules of config.yaml, compiled for one need."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ari_app.queue.agent import Agent
from ari_app.queue.need import Need
from ari_app.queue.settings import Requirement, StepSettings
from desk.region import areas


def _region(need: Need, agent: Agent) -> bool:
    """A caller of unknown region may get anybody: nothing speaks against it."""
    area = areas().get(need.area_code)
    province = need.province or (area.province if area else "")
    return (
        not agent.regions
        or not (need.area_code or province)
        or need.area_code in agent.regions
        or province in agent.regions
    )


_MET: Mapping[Requirement, Callable[[Need, Agent], bool]] = {
    Requirement.TEAM: lambda need, agent: need.team in ("", agent.team),
    Requirement.REGION: _region,
    Requirement.SKILL: lambda need, agent: need.skills <= agent.skills,
    Requirement.LANGUAGE: lambda need, agent: need.language in {"", *agent.languages},
}


def fits(need: Need, agent: Agent, requirements: Iterable[Requirement]) -> bool:
    """Whether `agent` may serve `need` while `requirements` hold."""
    if need.extension:
        return need.extension == agent.extension
    return all(_MET[requirement](need, agent) for requirement in requirements)


@dataclass(frozen=True, slots=True)
class Widening:
    """For one need: from how many seconds of waiting on which agents may serve.

    `steps` begins at 0 and rises; each set of extensions holds the one before.
    """

    steps: tuple[tuple[float, frozenset[str]], ...]

    @classmethod
    def of(cls, need: Need, agents: Iterable[Agent], rule: Sequence[StepSettings]) -> "Widening":
        """The rule for `need`, worked out for these agents. Steps that add nobody are left out."""
        agents = list(agents)
        steps: list[tuple[float, frozenset[str]]] = []
        for step in rule:
            may = frozenset(a.extension for a in agents if fits(need, a, step.need))
            if not steps or may != steps[-1][1]:
                steps.append((step.after, may))
        return cls(tuple(steps))

    @property
    def widest(self) -> frozenset[str]:
        """Everybody who may ever serve this need."""
        return self.steps[-1][1]

    def servers(self, waited: float, there: frozenset[str]) -> frozenset[str]:
        """Which of the agents `there` may serve after `waited` seconds.

        Steps that none of those `there` could serve are passed over: nobody waits for an agent
        who is away while another one could help.
        """
        found: frozenset[str] = frozenset()
        for after, may in self.steps:
            if after > waited and found:
                break
            found = may & there
        return found

    def next_step(self, waited: float) -> float | None:
        """After how many seconds of waiting more agents may serve; None: no more will."""
        return next((after for after, _ in self.steps if after > waited), None)
