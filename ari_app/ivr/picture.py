"""The menus as a picture in the terminal: what a caller hears, presses and reaches."""

from collections.abc import Mapping

from rich.text import Text
from rich.tree import Tree

from ari_app.ivr.settings import Action, EntrySettings, IvrSettings, MenuSettings
from ari_app.settings import Settings

HEARD = "cyan"
KEY = "bold yellow"
NAME = "bold green"
ASIDE = "dim"


def picture(settings: Settings) -> Tree:
    """The whole IVR: a branch per entry, each menu drawn where a caller first reaches it."""
    return _Drawing(settings).draw()


def condition(entry: EntrySettings) -> str:
    """When an entry applies, in words."""
    parts = [
        f"区号 area code {'/'.join(entry.area_codes)}" if entry.area_codes else "",
        f"省份 province {'/'.join(entry.provinces)}" if entry.provinces else "",
        f"拨打 dialled {'/'.join(entry.numbers)}" if entry.numbers else "",
        f"营业 while {entry.open} is open" if entry.open else "",
        f"非营业 while {entry.closed} is closed" if entry.closed else "",
    ]
    return ", ".join(part for part in parts if part) or "其他来电 everybody else"


class _Drawing:
    def __init__(self, settings: Settings) -> None:
        self._ivr: IvrSettings = settings.ivr
        self._numbers = settings.pbx.line_numbers
        self._types: Mapping[str, str] = settings.tickets.types
        self._extensions = [agent.extension for agent in settings.pbx.agents]
        self._drawn: set[str] = set()

    def draw(self) -> Tree:
        root = Tree(Text.assemble(("☎ ", KEY), ", ".join(self._numbers)))
        for position, entry in enumerate(self._ivr.entry, start=1):
            line = Text.assemble(
                (f"{position}. ", KEY), condition(entry), " → ", (entry.menu, NAME)
            )
            self._branch(root, line, entry.menu)
        return root

    def _branch(self, above: Tree, line: Text, name: str) -> None:
        """Add `line`, which leads to the menu `name`, and below it the menu if it is new."""
        if name in self._drawn:
            above.add(line.append("  (见上 see above)", ASIDE))
            return
        self._drawn.add(name)
        branch = above.add(line)
        menu = self._ivr.menus[name]
        branch.add(self._heard(menu.prompt))
        branch.add(Text(self._rules(menu), ASIDE))
        for key, action in menu.keys.items():
            self._action(branch, Text(f"[{key}]", KEY), action)
        if menu.dial_extensions and self._extensions:
            branch.add(Text.assemble(("[…] ", KEY), "分机 extension ", ", ".join(self._extensions)))
        failed = f"[×{menu.attempts}] 静默或错键 silence or wrong keys"
        self._action(branch, Text(failed, KEY), menu.failure)

    def _action(self, branch: Tree, key: Text, action: Action) -> None:
        line = Text.assemble(key, " ", action.label, " " if action.label else "", "→ ")
        target = action.menu or action.then
        if action.say is not None:
            line.append(self._heard(action.say)).append(" → " if target else "")
        if action.message is not None:
            line.append("留言 message ").append(self._heard(action.message))
        elif action.person is not None:
            line.append("人工 a person of ").append(action.person, NAME)
            line.append(_asked(action), ASIDE)
        elif action.extension is not None:
            line.append("分机 extension ").append(action.extension, NAME)
            line.append(_asked(action), ASIDE)
        elif action.back:
            line.append("返回 back")
        elif action.repeat:
            line.append("重听 repeat")
        elif action.case:
            line.append("查询工单 a case by its number")
        elif target is None:
            line.append(" → 挂机 hang up" if action.say else "挂机 hang up")
        if action.ticket is not None:
            line.append(f"  工单 ticket {self._types[action.ticket]} ({action.ticket})", ASIDE)
        if target is None:
            branch.add(line)
        else:
            self._branch(branch, line.append(target, NAME), target)

    def _heard(self, prompt: str) -> Text:
        said = self._ivr.prompts[prompt]
        if said.file is None:
            return Text(f"“{said.text}”", HEARD)
        return Text(f"“{said.text}” " if said.text else "", HEARD).append(f"♪ {said.file}", ASIDE)

    def _rules(self, menu: MenuSettings) -> str:
        barge_in = "可打断 keys stop the prompt" if menu.barge_in else "先听完 prompt to the end"
        record = f" · 录音 record: {menu.record}" if menu.record else ""
        return f"{barge_in} · {menu.timeout_seconds:g} 秒 s · {menu.attempts} 次 attempts{record}"


def _asked(action: Action) -> str:
    """What a choice asks of the agent and of the line."""
    skills = f"  技能 skills {', '.join(action.skills)}" if action.skills else ""
    language = f"  语言 language {action.language}" if action.language else ""
    return skills + language + ("  优先 urgent" if action.urgent else "")
