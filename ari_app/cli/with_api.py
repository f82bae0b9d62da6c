"""Commands that ask a running line over its REST API."""

import http.client
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

import orjson
import typer

SECONDS = 20.0  # longer than the line's own deadline, so its answer is heard
MOST_BYTES = 16 << 20

UrlOption = Annotated[
    str, typer.Option("--url", envvar="HUISHENG_URL", help="线路的接口地址 / where the API answers")
]
TokenOption = Annotated[
    str,
    typer.Option(
        "--token",
        envvar="HUISHENG_TOKEN",
        show_envvar=True,
        help="令牌,最好用环境变量 / a token, better in the environment than in the shell's history",
    ),
]
URL = "http://127.0.0.1:8280"


@dataclass(frozen=True)
class Api:
    """The API at `url`. What it refuses is one line on standard error and exit code 1."""

    url: str
    token: str

    def get(self, *path: str, **query: str) -> Any:
        """What is read at a path, given in parts."""
        return self._ask("GET", path, query, None)

    def post(self, *path: str, **body: str) -> Any:
        """What a call answers to an order."""
        return self._ask("POST", path, {}, body or None)

    def put(self, *path: str, **body: str) -> Any:
        """What is there after a change."""
        return self._ask("PUT", path, {}, body)

    def _ask(self, method: str, path: tuple[str, ...], query: dict[str, str], body: Any) -> Any:
        if not self.token:
            _fail(
                "no token: set HUISHENG_TOKEN; `huisheng token create NAME --scope …` makes one", 2
            )
        address = urlsplit(self.url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        try:
            connection = kinds[address.scheme](
                address.hostname or "", address.port, timeout=SECONDS
            )
        except (KeyError, ValueError):
            _fail(f"--url {self.url!r} is no address like {URL}", 2)
        where = "/".join(
            [address.path.rstrip("/"), "api", "v1", *(quote(p, safe="") for p in path)]
        )
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(
                method,
                f"{where}?{urlencode(query)}" if query else where,
                orjson.dumps(body) if body is not None else None,
                headers,
            )
            answer = connection.getresponse()
            text = answer.read(MOST_BYTES)
        except (OSError, ValueError, http.client.HTTPException) as error:
            _fail(f"no answer from {self.url} ({error}); start the line with `huisheng run`")
        finally:
            connection.close()
        try:
            told = orjson.loads(text)
        except orjson.JSONDecodeError:
            _fail(f"{self.url} answered {answer.status} and no JSON; is it Huisheng's API?")
        if answer.status >= 400:
            _fail(_sentence(told, answer.status))
        return told


def _sentence(problem: Any, status: int) -> str:
    if not isinstance(problem, dict) or "detail" not in problem:
        return f"the API answered {status}"
    parts = [problem["detail"], *problem.get("errors", ()), problem.get("mend", "")]
    return "; ".join(part.rstrip(".") for part in parts if part)


def _fail(sentence: str, code: int = 1) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
