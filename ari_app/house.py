"""The house as config.yaml describes it."""

from ari_app.settings import Settings
from desk.house import House, Member


def house_of(settings: Settings) -> House:
    """Ticket types with their fields, the agents as who takes tickets, and what is rolled out."""
    return House(
        types=settings.tickets.types,
        fields=settings.tickets.fields,
        members=tuple(
            Member(
                name=f"agent:{agent.extension}",
                full_name=agent.name,
                names=(agent.extension, agent.name),
                team=agent.team,
                skills=tuple(agent.skills),
                regions=tuple(agent.regions),
            )
            for agent in settings.pbx.agents
        ),
        switches=settings.rollout.switches(),
        void_sample=settings.tickets.void_sample,
    )
