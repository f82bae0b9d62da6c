"""Hot reload: a changed config.yaml becomes the menus of the next call.

Calls that are under way keep the tree they began with. A file with a mistake changes nothing: the
old menus stay in force and the log says file, line and mend.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import structlog
from watchfiles import awatch

from ari_app.ivr.compiled import compile_menus
from ari_app.ivr.tree import MenuTree
from ari_app.prompts.cache import PromptCache, Prompts, install
from ari_app.prompts.speak import PromptError
from ari_app.settings import ConfigError, Settings, load
from desk.calendar import CalendarFileError

LOOK_SECONDS = 5.0
"""How often the files are looked at even if the system reports nothing (network file systems)."""

CLOSE_SECONDS = 5.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Menus:
    """What a reload puts in force: for calls that begin from now on."""

    settings: Settings
    tree: MenuTree
    prompts: Prompts


class MenuReload:
    """Watches config.yaml and the files it names (recordings, calendar), owns the one task that
    does so, and hands new menus to `apply` in the event loop."""

    def __init__(
        self,
        path: Path,
        now: Menus,
        cache_folder: Path,
        apply: Callable[[Menus], None],
        *,
        sounds_dir: Path | None = None,
    ) -> None:
        """`now` was made from `path`; new prompts go to `cache_folder`, and copies to
        `sounds_dir` for the dialplan."""
        self._path = path
        self._now = now
        self._cache_folder = cache_folder
        self._apply = apply
        self._sounds_dir = sounds_dir
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._seen = self._look()

    async def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._watch(), name="menu-reload")
        self._task.add_done_callback(_tell_if_broken)

    async def aclose(self) -> None:
        """Stop watching. A reload that is under way is given up after five seconds."""
        self._stop.set()
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=not done)
            self._task = None

    async def reload(self) -> bool:
        """Load now; whether the file could be used. What is wrong with it goes to the log."""
        try:
            menus = await asyncio.to_thread(self._load)
        except (ConfigError, PromptError, CalendarFileError, OSError) as error:
            for line in str(error).splitlines():
                log.error("menus.refused", why=line, mend="the old menus stay in force")
            return False
        for section in _fixed(self._now.settings, menus.settings):
            log.warning("menus.restart_needed", section=section, why="only menus are reloaded")
        self._now = menus
        self._apply(menus)
        log.info("menus.reloaded", file=str(self._path), menus=len(menus.tree.menus))
        return True

    def _load(self) -> Menus:
        settings = load(self._path)
        prompts = PromptCache.prepare(settings.ivr, self._cache_folder)
        if self._sounds_dir is not None:
            install(prompts, self._sounds_dir)
        return Menus(settings, compile_menus(settings), prompts.keeping(self._now.prompts))

    async def _watch(self) -> None:
        async with aclosing(self._stirrings()) as stirrings:
            async for _ in stirrings:
                seen = self._look()
                if seen != self._seen:
                    await self.reload()
                    self._seen = seen  # of before the load: a change meanwhile is seen again

    async def _stirrings(self) -> AsyncGenerator[None, None]:
        """Yields when something may have changed; ends when we are to stop."""
        folders = {file.parent for file in self._files() if file.parent.is_dir()}
        try:
            async for _ in awatch(
                *folders,
                recursive=False,
                debounce=300,
                step=50,
                rust_timeout=int(LOOK_SECONDS * 1000),
                yield_on_timeout=True,
                stop_event=self._stop,
            ):
                yield
        except OSError as error:
            log.warning(
                "menus.watched_slowly",
                why=str(error),
                mend="raise fs.inotify.max_user_watches to see changes at once",
            )
        while not self._stop.is_set():
            try:
                await asyncio.wait_for(self._stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                yield

    def _files(self) -> list[Path]:
        ivr = self._now.settings.ivr
        named = [prompt.file for prompt in ivr.prompts.values()] + [ivr.calendar_file]
        return [self._path.absolute(), *(file for file in named if file is not None)]

    def _look(self) -> list[tuple[str, int, int, int]]:
        """What tells two versions of the files apart. Links are followed, so that a link moved to
        another file counts as a change."""
        seen = []
        for file in self._files():
            try:
                about = file.stat()
            except OSError:
                seen.append((str(file), 0, 0, 0))
            else:
                seen.append((str(file), about.st_ino, about.st_size, about.st_mtime_ns))
        return seen


def _tell_if_broken(task: asyncio.Task[None]) -> None:
    """At once, not only when somebody closes: menus would silently stay as they are."""
    if not task.cancelled() and task.exception() is not None:
        log.error(
            "menus.unwatched", mend="restart to reload menus again", exc_info=task.exception()
        )


def _fixed(old: Settings, new: Settings) -> list[str]:
    """Sections that changed and that a reload does not touch."""
    return [
        name
        for name in Settings.model_fields
        if name != "ivr" and getattr(old, name) != getattr(new, name)
    ]
