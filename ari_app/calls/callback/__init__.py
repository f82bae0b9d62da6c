"""Calling back who asked for it, at the place in the line that was kept."""
