"""Each caller is heard by the recogniser that is meant for him."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stt.engines import choose, load_engines
from stt.errors import ModelError
from stt.model import BUNDLED
from stt.settings import DEFAULT, LiveSettings, ModelSettings, SpeechSettings

TIANJIN = ModelSettings(name="tianjin", path=Path("t"), area_codes=("022", "0317"))
ENGLISH = ModelSettings(name="english", server="ws://127.0.0.1:2700", languages=("en",))
MEDICAL = ModelSettings(name="medical", path=Path("m"), teams=("medical",), area_codes=("022",))
EVERYBODY = ModelSettings(name="everybody", path=Path("e"))


@pytest.mark.parametrize(
    ("call", "heard_by"),
    [
        ({"area_code": "022"}, "tianjin"),
        ({"area_code": "010"}, DEFAULT),
        ({"language": "en", "area_code": "022"}, "english"),
        ({"team": "medical", "area_code": "022"}, "medical"),
        ({"team": "medical"}, DEFAULT),
        ({}, DEFAULT),
    ],
)
def test_first_model_that_is_meant_for_the_call_hears_it(
    call: dict[str, str], heard_by: str
) -> None:
    assert choose([ENGLISH, MEDICAL, TIANJIN], **call) == heard_by


def test_model_without_conditions_hears_everybody_who_is_left() -> None:
    assert choose([TIANJIN, EVERYBODY], area_code="010") == "everybody"
    assert choose([]) == DEFAULT


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": "x"}, "needs either path"),
        ({"name": "x", "path": "p", "server": "ws://h:1"}, "needs either path"),
        ({"name": "x", "server": "http://h:1"}, "like ws://"),
        ({"name": DEFAULT, "path": "p"}, "choose another name"),
    ],
)
def test_model_that_cannot_be_meant_is_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ModelSettings(**given)


def test_two_models_of_one_name_are_told() -> None:
    with pytest.raises(ValidationError, match="two models are called tianjin"):
        SpeechSettings(models=(TIANJIN, TIANJIN))


def test_paths_are_those_beside_the_configuration() -> None:
    settings = SpeechSettings(model=Path("m"), models=(TIANJIN, ENGLISH), lexicon=Path("/etc/l"))
    found = settings.absolute(Path("/home"))
    assert (found.model, found.lexicon) == (Path("/home/m"), Path("/etc/l"))
    assert [model.path for model in found.models] == [Path("/home/t"), None]
    assert SpeechSettings().absolute(Path("/home")) == SpeechSettings()


def test_a_thread_per_core_unless_told_otherwise() -> None:
    assert LiveSettings().cores >= 1
    assert LiveSettings(threads=3).cores == 3


async def test_models_are_loaded_once_each_and_servers_not_asked() -> None:
    other = ModelSettings(name="other", path=BUNDLED)
    engines = await load_engines(SpeechSettings(models=(other, ENGLISH)))
    assert {key: engine.name for key, engine in engines.items()} == {
        DEFAULT: "vosk/bundled",
        "other": "vosk/bundled",
        "english": "vosk-server/127.0.0.1:2700",
    }


async def test_model_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    missing = ModelSettings(name="other", path=tmp_path / "gone")
    with pytest.raises(ModelError, match="no such folder"):
        await load_engines(SpeechSettings(models=(missing,)))
