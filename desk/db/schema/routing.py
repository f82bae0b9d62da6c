"""Rule sets of routing, and the fields of tickets."""
