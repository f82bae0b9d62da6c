"""A talk between caller and agents: who is in it, what can be done, what is kept of it."""
