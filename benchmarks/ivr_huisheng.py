"""The IVR by this application, as `huisheng run` runs it; started by calls.py."""

from pathlib import Path

import uvloop
from call_load.worker import briefing, ready, until_stopped
from prometheus_client import REGISTRY

from ari_app.logs import configure
from ari_app.process import running_line, utc_now
from ari_app.settings import load
from desk import customers


async def main(config: Path) -> None:
    settings = load(config)
    configure("warning")
    async with running_line(settings, config=config, registry=REGISTRY) as running:
        known = config.with_name("customers.csv")
        await running.line.db.write(customers.import_csv, known, utc_now())
        ready()
        await until_stopped()


if __name__ == "__main__":
    uvloop.run(main(Path(briefing()["config"])))
