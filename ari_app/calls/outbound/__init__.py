"""Calling customers: to ask whether a case is solved, or to bring them together with an agent."""
