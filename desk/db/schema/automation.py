"""Rule sets of automation, their runs, and messages to people outside."""
