"""`huisheng stt`: transcribe recordings, measure a model, say which model is in use."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ari_app.cli.options import ConfigOption, load_settings
from stt.digits import written
from stt.errors import SpeechError
from stt.evaluate import evaluate as run_evaluation
from stt.evaluate import pairs
from stt.model import ModelInfo, at, check, describe
from stt.recogniser import SpeechModel, recognise
from stt.transcript import Transcript
from stt.wav import probe

DEFAULT_CONFIG = Path("config.yaml")

app = typer.Typer(
    help="语音识别 / speech recognition: transcribe, evaluate, model", no_args_is_help=True
)

_ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model", "-m", help="Vosk 模型目录 / model folder instead of the configured one"
    ),
]
_JsonOption = Annotated[bool, typer.Option("--json", help="JSON 输出 / print JSON")]


@app.command()
def transcribe(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="WAV")],
    as_json: _JsonOption = False,
    model: _ModelOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """把录音转成文字 / text, word times and real-time factor of recordings.

    --json: 每个文件一行 / one object per line with the keys file, text, written (text with digits),
    words, seconds, real_time_factor, engine.
    """
    loaded = _load(_chosen(model, config))
    failed = False
    for path in files:
        try:
            transcript = _transcript(loaded, path)
        except SpeechError as error:
            _complain(error)
            failed = True
            continue
        _print_json(path, transcript) if as_json else _print(path, transcript)
    if failed:
        raise typer.Exit(1)


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="*.wav + *.txt")],
    as_json: _JsonOption = False,
    model: _ModelOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """字错误率 / character error rate over DIR/*.wav and the text beside each (*.txt)."""
    info = _chosen(model, config)
    try:
        spoken = pairs(folder)
        loaded = _load(info)
        with _progress(folder.name, len(spoken)) as report:
            result = run_evaluation(loaded, spoken, report)
    except SpeechError as error:
        _complain(error)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(result.as_dict()))
        return
    for one in result.judged:
        if one.errors:
            typer.echo(f"{one.path.name}: {one.errors} 处 / errors")
            typer.echo(f"  说 / said   {one.spoken}\n  听 / heard  {one.heard}")
    typer.echo(
        f"字错误率 / CER {result.cer:.2%}, {len(result.judged)} 个文件 / files, "
        f"实时率 / real-time factor {result.rtf:.3f}"
    )


@app.command("model")
def show_model(
    model: _ModelOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: _JsonOption = False,
) -> None:
    """当前使用的模型 / which model is in use, and whether it understands people."""
    info = _chosen(model, config)
    try:
        check(info.path)
    except SpeechError as error:
        _complain(error)
        raise typer.Exit(1) from error
    if as_json:
        known = {"path": str(info.path), "bundled": info.bundled, "warning": info.warning}
        typer.echo(json.dumps(known, ensure_ascii=False))
        return
    typer.echo(f"{info.path}{' (自带 / bundled)' if info.bundled else ''}")
    if info.warning:
        typer.echo(f"⚠ {info.warning}")


def _chosen(model: Path | None, config: Path) -> ModelInfo:
    """--model, else the settings file, else (there is none) the bundled model."""
    if model is not None:
        return at(model)
    if config == DEFAULT_CONFIG and not config.exists():
        return at(None)
    return describe(load_settings(config).speech)


def _load(info: ModelInfo) -> SpeechModel:
    try:
        model = SpeechModel.load(info.path)
    except SpeechError as error:
        _complain(error)
        raise typer.Exit(1) from error
    if info.warning:
        typer.echo(f"⚠ {info.warning}", err=True)
    return model


def _transcript(model: SpeechModel, path: Path) -> Transcript:
    recording = probe(path)
    if recording.repaired:
        typer.echo(f"⚠ {path}: 文件头已修复 / header repaired: the writer was killed", err=True)
    with _progress(path.name, recording.seconds) as report:

        def heard(seconds: float) -> bool:
            report(seconds)
            return True

        transcript = recognise(model, recording, heard)
    if transcript is None:
        raise typer.Abort
    return transcript


@contextmanager
def _progress(name: str, total: float) -> Iterator[Callable[[float], None]]:
    """A bar on standard error while the block runs, if a person looks at it."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=total)
        yield lambda done: bar.update(task, completed=done)


def _print(path: Path, transcript: Transcript) -> None:
    typer.echo(f"{path}\n  {written(transcript.text) or '(静音 / silence)'}")
    for word in transcript.words:
        typer.echo(f"  {word.start:8.2f} {word.end:8.2f}  {word.confidence:4.0%}  {word.text}")
    typer.echo(
        f"  {transcript.seconds:.1f} s, 实时率 / real-time factor "
        f"{transcript.real_time_factor:.3f}, {transcript.engine}"
    )


def _print_json(path: Path, transcript: Transcript) -> None:
    known = transcript.as_dict()
    typer.echo(
        json.dumps(
            {"file": str(path), "written": written(transcript.text), **known}, ensure_ascii=False
        )
    )


def _complain(error: SpeechError) -> None:
    typer.echo(f"✗ {error}", err=True)
