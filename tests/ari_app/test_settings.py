"""A config.yaml with a mistake gives one clear sentence with file, line and mend, never a
traceback; and the one in the repository says what the defaults are."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML
from typer.testing import CliRunner

from ari_app.cli.main import build
from ari_app.settings import ConfigError, Settings, load
from ari_app.settings_errors import FORMS

CONFIG = Path(__file__).parents[2] / "config.yaml"
TEXT = CONFIG.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("HUISHENG_"):
            monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def refused(config: Path, content: str | bytes) -> str:
    """The error for `content`, with `file` for the path of the file."""
    config.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        load(config)
    return str(caught.value).replace(str(config), "file")


def line(text: str, part: str) -> int:
    """The number of the first line of `text` that contains `part`."""
    return text[: text.index(part)].count("\n") + 1


def swap(old: str, new: str) -> str:
    assert old in TEXT, f"config.yaml has changed: no {old!r} in it"
    return TEXT.replace(old, new, 1)


# (what somebody did, where the error must point, what it must say)
EDITS: dict[str, tuple[str, str, str, str]] = {
    "a tab": ("  name: 示例公司", "\tname: 示例公司", "\tname", "a tab; indent with spaces"),
    "an unclosed list": (
        'restday: ["09:00-18:00"]',
        'restday: ["09:00-18:00"',
        "dates:",
        "not valid YAML",
    ),
    "an unquoted star": (
        '"*": {label: 返回, back: true}\n        "0": {label: 人工',
        '*: {label: 返回, back: true}\n        "0": {label: 找人',
        "找人",
        "look at this line and the one above",
    ),
    "an alias of nothing": ("prompt: main\n", "prompt: *mian\n", "*mian", "define it with &"),
    "a control character": ("name: 示例公司", "name: 示例\0公司", "\0", "no text has"),
    "a section twice": ("\nagi:", "\napi: # here", "# here", "api is given twice; remove one"),
    "a key twice": ("attempts: 3", "barge_in: no", "barge_in: no", "barge_in is given twice"),
    "a second document": ("\ntickets:\n", "\n---\ntickets:\n", "---", "a second document"),
    "an unknown section": ("\nspeech:\n", "\nspeach:\n", "speach", "did you mean 'speech'?"),
    "an unknown setting": ("barge_in:", "bargein:", "bargein", "did you mean 'barge_in'?"),
    "a foreign setting": ("  ring_seconds:", "  qwxyz:", "qwxyz", "unknown setting; remove it"),
    "a word for a number": ("attempts: 3", "attempts: three", "three", "must be a whole number"),
    "a word for yes or no": (
        "abandoned: true",
        "abandoned: sometimes",
        "sometimes",
        "must be true or false",
    ),
    "a text for a list": (
        'line_numbers: ["4001234567"]',
        'line_numbers: "4001234567"',
        "line_numbers",
        "must be a list",
    ),
    "a list for a section": ("\nspeech:\n", "\nspeech: []\nxyz:\n", "speech: []", "a mapping"),
    "an unquoted area code": ('"022"  ', "022  ", "home_area_code", "put it in quotes"),
    "an unquoted key": ('"1": {label: 投诉', "1: {label: 投诉", "1: {label: 投诉", "in quotes"),
    "a key no telephone has": ('"9": {label', '"10": {label', '"10": {', "one key of a telephone"),
    "a port out of range": ("http_port: 8088", "http_port: 70000", "70000", "at most 65535"),
    "a port taken twice": (
        "ami_port: 5038",
        "ami_port: 8088",
        "ami_port",
        "pbx.http_port uses port 8088 too",
    ),
    "an unknown time zone": (
        "Asia/Shanghai",
        "Asia/Tianjin",
        "Asia/Tianjin",
        "use one like Asia/Shanghai",
    ),
    "hours without a zero": ('"09:00-18:00"]\n', '"9:00-18:00"]\n', '"9:00', "two digits each"),
    "a date that does not exist": (
        "dates: {} ",
        'dates: {2026-02-30: ["09:00-12:00"]} ',
        "2026-02-30",
        "a date that exists",
    ),
    "a trunk of unknown kind": ("kind: ip,", "kind: sip,", "kind: sip", "'ip', 'registration'"),
    "a trunk without hosts": (", hosts: [127.0.0.1/32]", "", "- {kind: ip", "is missing; add it"),
    "two verbs for a key": (
        "{label: 报修, menu: repair}",
        "{label: 报修, menu: repair, say: opening}",
        "menu: repair, say",
        "needs exactly one of",
    ),
    "no verb for a key": ("{label: 报修, menu: repair}", "{label: 报修}", "{label: 报修}", "none"),
    "an empty prompt": ("goodbye: 感谢来电,再见。", 'goodbye: ""', "goodbye:", "a text or a file"),
    "an unknown menu": ("then: main", "then: mian", "then: mian", "did you mean 'main'?"),
    "an unknown prompt": ("say: opening", "say: open", "say: open,", "did you mean 'opening'?"),
    "an unknown team": ("person: national", "person: natoinal", "natoinal", "mean 'national'?"),
    "a database of another kind": ('url: ""', 'url: "mysql://x"', "mysql", "postgresql://"),
    "an unknown code tag": (
        "log_level: info",
        "log_level: !!python/object/apply:os.getcwd []",
        "!!python",
        "must be one of 'debug'",
    ),
}


@pytest.mark.parametrize("case", EDITS)
def test_a_mistake_is_told_with_its_line_and_the_mend(config: Path, case: str) -> None:
    old, new, place, mend = EDITS[case]
    text = swap(old, new)
    said = refused(config, text)
    first = said.splitlines()[0]
    expected = line(text, place.lstrip("\n")) if place in text else 0
    assert first.startswith(f"file:{expected}: "), said
    assert mend in first
    assert "Traceback" not in said


def without(section: str) -> str:
    start = TEXT.index(f"\n{section}:\n")
    return TEXT[:start] + TEXT[TEXT.index("\ntickets:\n") :]


FILES: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "file:1: the file is empty"),
    "only comments": ("# 设置\n", "file:1: the file is empty"),
    "a list": ("- ivr\n", "file:1: the file must be a mapping of sections such as `ivr:`"),
    "a word": ("huisheng\n", "file:1: the file must be a mapping"),
    "no ivr section": (without("ivr"), "file:1: ivr: this setting is missing; add it"),
    "GB 18030": (TEXT.encode("gb18030"), "file:1: not UTF-8 text; save it as UTF-8"),
    "one bad byte": (TEXT.encode() + b"# \xff\n", "not UTF-8 text; save it as UTF-8"),
    "a sound file": (b"RIFF\x00\x00WAVEfmt \x10\x00", "file:1: a character that no text has"),
    "far too much": (b"# " + b"x" * 2_000_000, "file: larger than 1,000,000 bytes"),
    "brackets without end": (b"a: " + b"[" * 9_000, "file: nested too deeply"),
    "a section without a name": ("1: 2\n" + TEXT, "file:1: 1: unknown setting"),
    "a library's own argument": ("_env_file: x\n" + TEXT, "file:1: _env_file: unknown setting"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_config_is_told_in_one_sentence(config: Path, case: str) -> None:
    content, expected = FILES[case]
    said = refused(config, content)
    assert expected in said
    assert len(said) < 500


def test_a_billion_laughs_are_refused_at_once(config: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    said = refused(config, "\n".join([*rows, "company: *a11", "database: {url: *a11}"]))
    assert said == "file: aliases (*) repeat too much; write the values out"
    assert "company.name: must be a text" in refused(config, "company: &a\n  name: *a\n")


def test_no_file_names_the_option_that_gives_one(config: Path) -> None:
    with pytest.raises(ConfigError, match="no such file; give its path with --config"):
        load(config)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(config: Path) -> None:
    text = swap("attempts: 3", "attempts: x").replace("http_port: 8088", "http_port: 0")
    text = text.replace("\nspeech:\n", "\nspeach:\n")
    said = refused(config, text).splitlines()
    places = [int(row.split(":")[1]) for row in said]
    assert places == sorted(places)
    assert [row.split(": ")[1] for row in said] == [
        "pbx.http_port",
        "ivr.menus.main.attempts",
        "speach",
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_windows_editors_write_is_read(config: Path, ending: str, mark: str) -> None:
    config.write_bytes((mark + TEXT.replace("\n", ending)).encode())
    assert load(config).company.name == "示例公司"


# the environment


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("HUISHENG_API__PORT", "abc", "must be a whole number (found 'abc')"),
        ("HUISHENG_API__PROT", "1", "unknown setting; did you mean 'port'?"),
        ("HUISHENG_APPI__PORT", "1", "no section named 'appi'; did you mean 'api'?"),
        ("HUISHENG_API", "x", 'must be JSON, as {"port": 8280}'),
        ("HUISHENG_PBX__LINE_NUMBERS", "400", "must be a list, as [a, b]"),
        ("HUISHENG_COMPANY__TIMEZONE", "Mars", "use one like Asia/Shanghai"),
    ],
)
def test_a_wrong_environment_variable_is_named_instead_of_a_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, mend: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load(CONFIG)
    assert str(caught.value).startswith(f"environment variable {name}: ")
    assert mend in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISHENG_API__PORT", "9999")
    monkeypatch.setenv("HUISHENG_PBX__LINE_NUMBERS", '["4007654321"]')
    settings = load(CONFIG)
    assert settings.api.port == 9999
    assert settings.pbx.line_numbers == ["4007654321"]
    assert settings.pbx.http_port == 8088, "the rest of the section still comes from the file"


def test_secrets_in_the_environment_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISHENG_TRUNK_A__B_PASSWORD", "x")
    monkeypatch.setenv("HUISHENG_WEBHOOK_A__B_SECRET", "x")
    load(CONFIG)


# the file in the repository


def test_paths_are_relative_to_the_file_not_to_the_working_directory(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = swap("goodbye: 感谢来电,再见。", "goodbye: {file: sounds/bye.wav}")
    config.write_text(text, encoding="utf-8")
    (config.parent / "sounds").mkdir()
    (config.parent / "sounds" / "bye.wav").write_bytes(b"RIFF")
    monkeypatch.chdir("/")
    settings = load(config)
    assert settings.state_dir == config.parent / "var"
    assert settings.ivr.prompts["goodbye"].file == config.parent / "sounds" / "bye.wav"


EXAMPLES = {"pbx.trunks", "pbx.agents", "ivr.schedules", "bridge.targets"}
"""What config.yaml shows by example; the default is to have none."""


def written(model: BaseModel, data: dict[str, Any], at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, value written, default) for each setting of `data` that has a default."""
    for name, value in data.items():
        path = f"{at}{name}"
        field = type(model).model_fields[name]
        here = getattr(model, name)
        if isinstance(here, BaseModel):
            yield from written(here, value, f"{path}.")
        elif not field.is_required() and path not in EXAMPLES:
            default = {name: field.get_default(call_default_factory=True)}
            yield path, here, getattr(type(model).model_validate(data | default), name)


def test_the_value_in_the_repositorys_config_is_each_settings_default() -> None:
    data = YAML(typ="safe").load(TEXT)
    settings = Settings(**data)
    compared = list(written(settings, data))
    assert len(compared) > 30
    for path, value, default in compared:
        assert value == default, path


def test_the_repositorys_config_shows_every_setting() -> None:
    """A setting that is not in the file is one that nobody finds."""
    data = YAML(typ="safe").load(TEXT)
    settings = Settings(**data)
    for section, model in settings:
        if isinstance(model, BaseModel):
            assert set(type(model).model_fields) == set(data[section]), section


def patterns(schema: Any) -> Iterator[str]:
    """Every regular expression in a JSON schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from patterns(part)


def test_nobody_is_shown_a_regular_expression() -> None:
    untold = set(patterns(Settings.model_json_schema())) - set(FORMS)
    assert not untold, "say in ari_app.settings_errors.FORMS what these texts must be"


def test_a_command_tells_the_mistake_and_exits_2(config: Path) -> None:
    config.write_text(swap("http_port: 8088", "http_port: 70000"), encoding="utf-8")
    result = CliRunner().invoke(build("menu"), ["menu", "show", "--config", str(config)])
    assert result.exit_code == 2
    assert "pbx.http_port: must be at most 65535 (found 70000)" in result.output
    assert "Traceback" not in result.output
