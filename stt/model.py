"""Which speech model is in use, and whether its folder is one."""

from dataclasses import dataclass
from pathlib import Path

from stt.errors import ModelError
from stt.settings import SpeechSettings

BUNDLED = Path(__file__).parent / "model"
"""The model that the package carries; stt/recipe makes it."""

WARNING = (
    "自带的语音模型只听得懂合成语音,听不懂真人,仅供试用;请在 config.yaml 的 speech: model: "
    "填写 Vosk 中文模型目录 / "
    "the bundled speech model understands synthetic speech only, not people; put the folder "
    "of a Vosk model for Mandarin (vosk-model-small-cn-0.22 or vosk-model-cn-0.22) "
    "under speech: model: in config.yaml"
)

CLASSIC, COMPACT = ("am/final.mdl", "conf/mfcc.conf"), ("final.mdl", "mfcc.conf")
"""Files that a Vosk model folder of either layout must have."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model in use. `warning` is what doctor and the status page must say; empty if nothing."""

    path: Path
    bundled: bool
    warning: str


def describe(settings: SpeechSettings) -> ModelInfo:
    """The configured model, or the bundled one."""
    return at(settings.model)


def at(path: Path | None) -> ModelInfo:
    """The model in folder `path`; None means the bundled one."""
    if path is None or path.resolve() == BUNDLED.resolve():
        return ModelInfo(BUNDLED, bundled=True, warning=WARNING)
    return ModelInfo(path, bundled=False, warning="")


def check(path: Path) -> None:
    """Make sure that `path` looks like an unpacked Vosk model, without loading it.

    Raises:
        ModelError: it does not; the message says what is missing and the mend.
    """
    if not path.exists():
        raise ModelError(path, "no such folder; correct speech: model: in config.yaml")
    if not path.is_dir():
        mend = "unpack it and give the folder" if path.suffix == ".zip" else "give the folder"
        raise ModelError(path, f"not a folder; {mend} in speech: model: in config.yaml")
    layouts = [[name for name in layout if not (path / name).is_file()] for layout in _LAYOUTS]
    missing = min(layouts, key=len)
    if missing:
        inner = sorted(child.name for child in path.glob("*") if (child / "am").is_dir())
        hint = f"did you mean {path / inner[0]}?" if inner else "unpack a Vosk model again"
        raise ModelError(path, f"not a Vosk model, {missing[0]} is missing; {hint}")


_LAYOUTS = (CLASSIC, COMPACT)
