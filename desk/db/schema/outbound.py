"""Calls that the desk wants placed, and their attempts."""
