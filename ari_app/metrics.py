"""What operators watch of the line, for Prometheus: read from memory at each scrape."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ari_app.calls.call import Stage
from ari_app.calls.line import Line
from ari_app.calls.switchboard import Switchboard
from ari_app.queue import AgentState


class LineMetrics(Collector):
    """A collector for the registry that /metrics shows. Labels are our own words, never a
    caller's."""

    def __init__(self, line: Line, switchboard: Switchboard) -> None:
        self._line = line
        self._switchboard = switchboard

    def describe(self) -> list[Metric]:
        """Nothing beforehand: the line may not be up yet when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures now."""
        yield from self._calls()
        yield from self._queue()
        yield from self._hearing()
        line = self._line
        yield _gauge(
            "ari_connected", "1 while Asterisk tells us what happens", line.ari.is_connected
        )
        yield _counter("ari_connects", "Connections made to Asterisk", line.ari.connects)
        journal = line.journal
        yield _gauge("journal_spooling", "1 while the desk is away", journal.spooling)
        yield _gauge("journal_waiting", "Records that the desk does not have", journal.waiting)

    def _calls(self) -> Iterator[Metric]:
        stages = Counter(self._switchboard.stages())
        calls = GaugeMetricFamily(
            "huisheng_calls_in_stage", "Calls that this process serves, by stage", labels=["stage"]
        )
        for stage in Stage:
            calls.add_metric([stage.value], stages[stage])
        yield calls
        yield _gauge("talks", "Talks of callers with agents", len(self._line.talks))

    def _queue(self) -> Iterator[Metric]:
        queue = self._line.queue
        since = [one.waiting.since for one in queue.waiting()]
        longest = (self._line.now() - min(since)).total_seconds() if since else 0.0
        yield _gauge("queue_waiting", "Callers who wait for an agent", len(since))
        yield _gauge("queue_longest_wait_seconds", "Wait so far of who waits longest", longest)
        states = Counter(one.state for one in queue.standings())
        agents = GaugeMetricFamily("huisheng_agents", "Agents by state", labels=["state"])
        for state in AgentState:
            agents.add_metric([state.value], states[state])
        yield agents

    def _hearing(self) -> Iterator[Metric]:
        live = self._line.hearing.live
        if live is None:
            return
        yield _gauge("live_streams", "Parties that are transcribed while they speak", live.streams)
        yield _gauge("live_load_threads", "What these cost, in threads", live.load)
        yield _gauge("live_capacity_threads", "What they may cost, in threads", live.capacity)
        dearest = max(map(live.cost, live.engines))
        yield _gauge("live_cost_threads", "What a party costs, of the dearest engine", dearest)
        yield _gauge("live_stuck_threads", "Recogniser threads that hang in an engine", live.stuck)
        yield _counter(
            "live_streams_refused", "Parties left to be transcribed afterwards", live.refused
        )


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"huisheng_{name}", what, value=float(value))


def _counter(name: str, what: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"huisheng_{name}", what, value=float(value))
