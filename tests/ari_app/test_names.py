"""A line whose name another Asterisk has says so before it begins anything."""

from pathlib import Path

import pytest

from ari_app.process import running_line
from ari_app.settings import load
from desk.db.names import NameTaken, named
from tests.rig.postgres import Cluster

CONFIG = Path(__file__).parents[2] / "config.yaml"


@pytest.mark.postgres
async def test_second_line_of_the_same_name_on_one_desk_does_not_start(
    postgres: Cluster, tmp_path: Path
) -> None:
    plain, url = load(CONFIG), await postgres.fresh()
    settings = plain.model_copy(
        update={
            "state_dir": tmp_path,
            "database": plain.database.model_copy(update={"url": url}),
            "speech": plain.speech.model_copy(
                update={"live": plain.speech.live.model_copy(update={"enabled": False})}
            ),
        }
    )
    async with named(url, settings.pbx.system_name, "another Asterisk"):
        with pytest.raises(NameTaken, match="'huisheng'"):
            async with running_line(settings):
                pass
    assert not (tmp_path / "asterisk").exists()
