"""`huisheng region` as an administrator types it, in a folder without config.yaml."""

import json
import subprocess
import sys
from pathlib import Path

HUISHENG = str(Path(sys.executable).with_name("huisheng"))
KEYS = ["input", "kind", "e164", "province", "city", "area_code"]


def _region(
    folder: Path, *words: str | bytes, stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [HUISHENG, "region", *words], cwd=folder, input=stdin, capture_output=True, timeout=60
    )


def _answers(done: "subprocess.CompletedProcess[bytes]") -> list[dict[str, str]]:
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


def test_numbers_come_from_arguments(tmp_path: Path) -> None:
    answers = _answers(_region(tmp_path, "02253456789", "+8618822340001", "anonymous"))
    assert [list(answer) for answer in answers] == [KEYS] * 3
    assert answers[0] == dict(
        zip(KEYS, ["02253456789", "landline", "+862253456789", "天津", "天津", "022"], strict=True)
    )
    assert [answer["kind"] for answer in answers] == ["landline", "mobile", "hidden"]


def test_numbers_come_from_standard_input_one_per_line(tmp_path: Path) -> None:
    stdin = b'53456789\r\n\n95588\n0225345\xff\n"02253456789" <sip:02253456789@h>'
    done = _region(tmp_path, stdin=stdin)
    answers = _answers(done)
    kinds = ["landline", "hidden", "service", "unknown", "landline"]
    assert [answer["kind"] for answer in answers] == kinds
    assert answers[0]["e164"] == "+862253456789"
    assert answers[3]["input"] == "0225345\udcff"
    assert "天津".encode() in done.stdout


def test_the_home_area_code_is_an_option(tmp_path: Path) -> None:
    for words in (["--home-area-code", "0315", "5345678"], ["5345678", "--home-area-code=0315"]):
        assert _answers(_region(tmp_path, *words))[0]["city"] == "唐山"
    wrong = _region(tmp_path, "--home-area-code", "22", "5345678")
    assert wrong.returncode == 2
    assert "022" in wrong.stderr.decode()


def test_hostile_arguments_are_answered_not_interpreted(tmp_path: Path) -> None:
    words: list[bytes] = [b"\xff\xfe", b"a\nb", b"$(reboot)", b"9" * 10_000, b""]
    answers = _answers(_region(tmp_path, *words))
    kinds = ["unknown", "unknown", "unknown", "unknown", "hidden"]
    assert [answer["kind"] for answer in answers] == kinds
    dashed = _answers(_region(tmp_path, "--", "-rf", "--help"))
    assert [answer["kind"] for answer in dashed] == ["unknown", "unknown"]


def test_an_update_is_used_by_the_next_look_up(tmp_path: Path) -> None:
    newer = tmp_path / "newer.csv"
    newer.write_text(
        "prefix,province,city,area_code,carrier\n1909519,宁夏,固原,0954,电信\n", encoding="utf-8"
    )
    done = _region(tmp_path, "update", "newer.csv")
    assert done.returncode == 0, done.stderr.decode()
    assert _answers(_region(tmp_path, "19095190001"))[0]["city"] == "固原"

    newer.write_text("prefix,province,city,area_code,carrier\n19,宁夏,固原,0954,电信\n", "utf-8")
    refused = _region(tmp_path, "update", "newer.csv")
    assert refused.returncode == 2
    assert "newer.csv:2:" in refused.stderr.decode()
    assert _answers(_region(tmp_path, "19095190001"))[0]["city"] == "固原"


def test_help_names_both_uses(tmp_path: Path) -> None:
    text = _region(tmp_path, "--help").stdout.decode()
    assert "NUMBER" in text
    assert "update" in text
