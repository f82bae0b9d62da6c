"""What happens by itself goes by the configuration of the line that keeps it."""

from dataclasses import fields
from pathlib import Path

from ari_app.chores import service_settings
from ari_app.settings import load
from desk.service import ServiceSettings, chores

CONFIG = Path(__file__).parents[2] / "config.yaml"


def test_every_section_that_chores_need_comes_from_the_configuration() -> None:
    settings = load(CONFIG)
    needed = service_settings(settings)
    for each in fields(ServiceSettings):
        assert getattr(needed, each.name) is getattr(settings, each.name)


def test_no_two_chores_share_a_name() -> None:
    names = [chore.name for chore in chores(ServiceSettings())]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 60 for name in names), "a follower's name is a key in the database"
