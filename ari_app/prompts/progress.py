"""A bar in the terminal while prompts are made."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from ari_app.prompts.cache import Progress


@contextmanager
def prompts_bar(console: Console) -> Iterator[Progress]:
    """A `Progress` for `PromptCache.prepare`. Nothing is drawn while there is nothing to make."""
    columns = (TextColumn("合成提示音 / speaking prompts"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("prompts", total=None, visible=False)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield told
