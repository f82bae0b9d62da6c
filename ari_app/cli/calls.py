"""`huisheng calls`: calls in progress on a running line, and acting on them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from ari_app.cli.agents import api_of
from ari_app.cli.with_api import URL, Api, TokenOption, UrlOption

app = typer.Typer()

OUTCOMES = {
    "told": "听完挂机 / heard it and hung up",
    "solved": "按键确认已解决 / solved, by key",
    "not_solved": "按键告知未解决 / not solved, by key",
    "person": "转人工 / went on to a person",
    "other": "另有他事 / rang about something else",
}

Call = Annotated[str, typer.Argument(help="通话编号 / the call's id, see the list")]
To = Annotated[str, typer.Argument(help="分机 / an agent's extension")]
Supervisor = Annotated[str, typer.Argument(help="班长分机 / the supervisor's extension")]


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, url: UrlOption = URL, token: TokenOption = "") -> None:
    """进行中的通话 / calls in progress: list them, or act on one."""
    if context.invoked_subcommand is not None:
        context.obj = (url, token)
        return
    table = Table("id", "number", "region", "stage", "since")
    for call in Api(url, token).get("calls", live="true", limit="100")["items"]:
        caller = call["caller"]
        table.add_row(
            call["id"],
            caller["caller_id"] or "–",
            caller["city"] or caller["province"],
            call["stage"],
            call["received_at"][:19].replace("T", " "),
        )
    Console(markup=False).print(table)


@app.command()
def show(context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = "") -> None:
    """谁在通话 / who talks, and whether it is held, recorded and transcribed."""
    _tell(call, api_of(context, url, token).get("calls", call, "talk"))


@app.command()
def transcript(
    context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """转写 / what was said so far, or in a call that is over."""
    for said in api_of(context, url, token).get("calls", call, "transcript")["utterances"]:
        later = "" if said["live"] else "  (afterwards)"
        typer.echo(f"{said['at'][11:19]} {said['speaker']}: {said['text']}{later}")


@app.command()
def told(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=400, help="最近几天 / of the last days")] = 30,
    url: UrlOption = URL,
    token: TokenOption = "",
) -> None:
    """自动答复 / callers who heard from the line how their case stands, and who needed no agent."""
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    found = api_of(context, url, token).get(
        "progress-calls", since=since.isoformat(), until=until.isoformat()
    )
    calls, alone = found["calls"], found["without_agent"]
    share = f" ({alone / calls:.0%})" if calls else ""
    typer.echo(f"最近 {days} 天来电询问进度 / progress calls of the last {days} days: {calls}")
    typer.echo(f"无需坐席 / answered without an agent: {alone}{share}")
    for outcome, number in found["outcomes"].items():
        typer.echo(f"  {OUTCOMES.get(outcome, outcome)}: {number}")


@app.command()
def hold(context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = "") -> None:
    """保持 / let the caller hear music."""
    _act(api_of(context, url, token), call, "hold")


@app.command()
def resume(
    context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """取回 / bring the caller back from hold."""
    _act(api_of(context, url, token), call, "resume")


@app.command()
def transfer(
    context: typer.Context,
    call: Call,
    to: To,
    attended: Annotated[bool, typer.Option("--attended", help="先咨询 / consult first")] = False,
    url: UrlOption = URL,
    token: TokenOption = "",
) -> None:
    """转接 / hand the caller to another agent."""
    kind = "attended" if attended else "blind"
    _act(api_of(context, url, token), call, "transfer", to=to, kind=kind)


@app.command()
def complete(
    context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """完成转接 / the caller talks to who was consulted."""
    _act(api_of(context, url, token), call, "transfer", "complete")


@app.command()
def cancel(
    context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """取消转接 / the caller talks to the first agent again."""
    _act(api_of(context, url, token), call, "transfer", "cancel")


@app.command()
def conference(
    context: typer.Context, call: Call, to: To, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """会议 / call another agent into the talk."""
    _act(api_of(context, url, token), call, "conference", to=to)


@app.command()
def drop(
    context: typer.Context, call: Call, extension: To, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """请出 / hang up on one agent; the others go on talking."""
    _act(api_of(context, url, token), call, "drop", extension=extension)


@app.command()
def hangup(
    context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """挂断 / hang up on the caller."""
    _act(api_of(context, url, token), call, "hangup")


@app.command("pause-recording")
def pause_recording(
    context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """暂停录音与转写 / neither record nor transcribe."""
    _act(api_of(context, url, token), call, "recording", "pause")


@app.command("resume-recording")
def resume_recording(
    context: typer.Context, call: Call, url: UrlOption = URL, token: TokenOption = ""
) -> None:
    """继续录音与转写 / record and transcribe again."""
    _act(api_of(context, url, token), call, "recording", "resume")


@app.command()
def supervise(
    context: typer.Context,
    call: Call,
    supervisor: Supervisor,
    mode: Annotated[
        Literal["listen", "whisper", "barge"],
        typer.Option(help="监听、耳语、强插 / listen, be heard by the agent, or by all"),
    ] = "listen",
    url: UrlOption = URL,
    token: TokenOption = "",
) -> None:
    """监听 / ring a supervisor, who then hears the talk."""
    _act(api_of(context, url, token), call, "supervise", supervisor=supervisor, mode=mode)


@app.command("stop-supervising")
def stop_supervising(
    context: typer.Context,
    call: Call,
    supervisor: Supervisor,
    url: UrlOption = URL,
    token: TokenOption = "",
) -> None:
    """结束监听 / hang up on a supervisor."""
    _act(api_of(context, url, token), call, "supervise", "stop", supervisor=supervisor)


def _act(api: Api, call: str, *what: str, **body: str) -> None:
    _tell(call, api.post("calls", call, *what, **body)["talk"])


def _tell(call: str, talk: dict[str, Any] | None) -> None:
    if talk is None:
        typer.echo(f"{call}: nobody talks")
        return
    parties = [
        "caller" if party["kind"] == "caller" else
        f"{party['extension']} ({party['mode']})" if party["mode"] else party["extension"]
        for party in talk["parties"]
    ]  # fmt: skip
    told = [" + ".join(parties)]
    if talk["held"]:
        told.append("held")
    if talk["consult"]:
        told.append(f"consults {talk['consult']}")
    told += [f"recording {talk['recording']}", f"transcript {talk['transcript']}"]
    typer.echo(f"{call}: {', '.join(told)}")
