"""Connectors: one module for each kind of target. Each pushes one entry and says what it came to;
order, retries and dead letters are the same for all and not theirs."""

from crm_bridge.connectors.connector import Connector

__all__ = ["Connector"]
