"""What people who work on a ticket together do: mention, watch, attach, answer from templates, act
on many tickets at once, keep views of them.
"""
