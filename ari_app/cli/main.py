"""`huisheng`: the table of commands. A command's module is imported when it is called."""

import sys
from importlib import import_module, metadata
from typing import Annotated

import typer

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("ari_app.cli.run", "启动线路 / start the line: Asterisk, application, API, bridge"),
    "demo": ("ari_app.cli.demo", "打一个真实的演示电话 / place a real call and show its ticket"),
    "doctor": ("ari_app.cli.doctor", "检查一切并给出办法 / find what is wrong and say the mend"),
    "pbx": ("ari_app.cli.pbx", "Asterisk 配置 / render, check, reload or show the PBX"),
    "menu": ("ari_app.cli.menu", "菜单 / show the IVR as a picture, walk it by keyboard"),
    "region": ("ari_app.cli.region", "号码归属地 / region of caller ids"),
    "customers": ("ari_app.cli.customers", "客户 / import and look up customers"),
    "agents": ("ari_app.cli.agents", "坐席 / agents of a running line, ready or away"),
    "calls": ("ari_app.cli.calls", "进行中的通话 / calls in progress: hold, transfer, hang up"),
    "ticket": ("ari_app.cli.ticket", "工单 / draw the lifecycle of tickets"),
    "rules": ("ari_app.cli.rules", "路由规则 / routing rules: check, try, put in force, go back"),
    "rollout": ("ari_app.cli.rollout", "分期上线 / what is switched on, and how much it is used"),
    "outbound": ("ari_app.cli.outbound", "外呼 / calls to customers: stop, start, look, numbers"),
    "sla": ("ari_app.cli.sla", "服务时限 / service levels: why a case is due, effect of a change"),
    "chores": ("ari_app.cli.chores", "自动事项 / what happens by itself: who lags, what failed"),
    "automation": (
        "ari_app.cli.automation",
        "自动规则 / rules that act: check, put in force, what they did or would have done",
    ),
    "surveys": ("ari_app.cli.surveys", "满意度 / where customers' scores come from"),
    "stt": ("ari_app.cli.stt", "语音识别 / transcribe and evaluate"),
    "bridge": ("ari_app.cli.bridge", "CRM 投递 / deliveries, dead letters, secrets"),
    "account": ("ari_app.cli.account", "账号 / who may log in: make, list, change, disable"),
    "token": ("ari_app.cli.token", "API 令牌 / make, list and revoke API tokens"),
    "audit": ("ari_app.cli.audit", "时间线校验 / verify the timeline's hash chain"),
    "db": ("ari_app.cli.db", "数据库 / migrate and inspect the database"),
}


def build(wanted: str | None) -> typer.Typer:
    """The command tree, with only `wanted` imported: `huisheng region` starts fast."""
    app = typer.Typer(
        name="huisheng",
        help="回声 Huisheng:400 电话与工单 / a 400 number whose every call gets an answer.",
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def _root(
        version: Annotated[bool, typer.Option("--version", help="版本 / version")] = False,
    ) -> None:
        if version:
            typer.echo(f"huisheng {metadata.version('huisheng')}")
            raise typer.Exit

    for name, (module, summary) in COMMANDS.items():
        if name == wanted:
            found = import_module(module)
            if hasattr(found, "command"):
                app.command(name, short_help=summary)(found.command)
            else:
                app.add_typer(found.app, name=name, help=summary)
        else:
            app.command(name, help=summary)(_not_imported)
    return app


def _not_imported() -> None:
    """Stands in the list of commands for one that this call does not need."""


def main() -> None:
    """Entry point of the console script."""
    words = (word for word in sys.argv[1:] if not word.startswith("-"))
    build(next(words, None))()
