"""Figures of the bridge for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

PUSHES = Counter(
    "huisheng_bridge_pushes", "Pushes to a target by what they came to", ["target", "outcome"]
)
DEAD_LETTERS = Counter("huisheng_bridge_dead_letters", "Entries given up", ["target"])
LAG = Histogram(
    "huisheng_bridge_lag_seconds",
    "From an entry's moment until the target had it",
    ["target"],
    buckets=(0.1, 0.3, 1, 3, 10, 60, 600, 3600, 86400),
)
IN_FLIGHT = Gauge("huisheng_bridge_in_flight", "Pushes under way", ["target"])
WORKING = Gauge(
    "huisheng_bridge_target_up", "1: taking entries; 0: on hold or disabled", ["target"]
)
MESSAGES = Counter(
    "huisheng_messages", "Attempts to send a message by what they came to", ["channel", "outcome"]
)
