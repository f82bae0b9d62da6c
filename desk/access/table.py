"""Who may what: one row for each operation of the API, one column for each role.

`-` not at all · `o` own tickets · `t` the team's as well · `a` anybody's, and what is of no ticket.
What belongs to a ticket (calls, recordings, entries of the timeline, attachments) is whose the
ticket is. A token needs its scope besides; an operation without a row is for nobody.
"""

from collections.abc import Mapping

from desk.access.roles import Reach, Role

COLUMNS = (
    Role.AGENT,
    Role.TECHNICIAN,
    Role.LEAD,
    Role.SUPERVISOR,
    Role.ADMINISTRATOR,
    Role.INTEGRATION,
)
_REACH = {"-": Reach.NONE, "o": Reach.OWN, "t": Reach.TEAM, "a": Reach.OTHER}


def row(letters: str) -> Mapping[Role, Reach]:
    """`"t o t a a a"` → what each role may.

    Raises:
        ValueError: it has not a letter for each role, or another one.
    """
    found = letters.split()
    if len(found) != len(COLUMNS) or not set(found) <= set(_REACH):
        raise ValueError(f"{letters!r} has not one of - o t a for each of {len(COLUMNS)} roles")
    return {role: _REACH[letter] for role, letter in zip(COLUMNS, found, strict=True)}


_ROWS = """
# calls and what was said in them
t o t a a a  GET /calls
t o t a a a  GET /calls/{call_id}
t o t a a a  GET /calls/{call_id}/transcript
t o t a a a  GET /calls/{call_id}/recordings
t o t a a a  GET /recordings/{recording_id}
o - t a a a  GET /recordings/{recording_id}/audio
# the line now
a a a a a a  GET /calls/{call_id}/talk
o - t a a a  POST /calls/{call_id}/hold
o - t a a a  POST /calls/{call_id}/resume
o - t a a a  POST /calls/{call_id}/transfer
o - t a a a  POST /calls/{call_id}/transfer/complete
o - t a a a  POST /calls/{call_id}/transfer/cancel
o - t a a a  POST /calls/{call_id}/conference
o - t a a a  POST /calls/{call_id}/drop
o - t a a a  POST /calls/{call_id}/hangup
o - t a a a  POST /calls/{call_id}/recording/pause
o - t a a a  POST /calls/{call_id}/recording/resume
- - t a a a  POST /calls/{call_id}/supervise
- - t a a a  POST /calls/{call_id}/supervise/stop
a a a a a a  GET /agents
o - t a a a  PUT /agents/{extension}/state
a - a a a a  GET /queue
# customers and the timeline
a o a a a a  GET /customers
a o a a a a  GET /customers/{customer_id}
t o t a a a  GET /timeline
t o t a a a  GET /events
# oneself
a a a a a a  GET /session
a a a a a a  DELETE /session
a a a a a a  PUT /session/password
# people and programs
- - - - a -  GET /accounts
- - - - a -  POST /accounts
- - - - a -  GET /accounts/{name}
- - - - a -  PATCH /accounts/{name}
- - - - a -  PUT /accounts/{name}/password
- - - - a -  GET /tokens
- - - - a -  POST /tokens
- - - - a -  DELETE /tokens/{token_id}
# tickets
a a a a a a  GET /lifecycle
t o t a a a  GET /tickets
t o t a a a  GET /tickets/export
a - a a a a  POST /tickets
t o t a a a  GET /tickets/{number}
t o t a a a  PATCH /tickets/{number}
t o t a a a  GET /tickets/{number}/history
t o t a a a  GET /tickets/{number}/confirmations
t - t a a a  POST /tickets/{number}/assign
t o t a a a  POST /tickets/{number}/start
t o t a a a  POST /tickets/{number}/wait
t o t a a a  POST /tickets/{number}/escalate
t o t a a a  POST /tickets/{number}/resolve
t o t a a a  POST /tickets/{number}/confirm
t - t a a a  POST /tickets/{number}/solve-in-call
- - - a a a  POST /tickets/{number}/override
t - t a a a  POST /tickets/{number}/reopen
t - t a a a  POST /tickets/{number}/void
- - t a a a  POST /tickets/{number}/void/pass
t - t a a a  POST /tickets/{number}/merge
- - t a a a  POST /tickets/{number}/unmerge
t - t a a a  POST /tickets/{number}/split
t - t a a a  POST /tickets/{number}/calls
t o t a a a  GET /tickets/{number}/sla
# routing
a a a a a a  GET /ticket-types
a - a a a a  GET /routing/facts
a - a a a a  GET /routing/editions
a - a a a a  GET /routing/editions/{edition}
- - - a a a  POST /routing/check
- - - a a a  POST /routing/test
- - - - a a  POST /routing/editions
t - t a a a  PUT /tickets/{number}/level
- - t a a a  PUT /tickets/{number}/priority
t o t a a a  PATCH /tickets/{number}/fields
t o t a a a  GET /tickets/{number}/routing
- - t a a a  POST /tickets/{number}/routing/test
- - t a a a  POST /tickets/{number}/route
t - t a a a  POST /tickets/take-next
- - a a a a  GET /rollout
# service levels
t o t a a a  GET /sla/due
a - a a a a  GET /sla/editions
a - a a a a  GET /sla/editions/{edition}
- - - - a a  POST /sla/effect
- - - - a a  POST /sla/editions
# between teams, and what is written beside a ticket
t o t a a a  GET /handovers
t o t a a a  GET /tickets/{number}/handovers
t o t a a a  POST /tickets/{number}/handovers
t - t a a a  POST /tickets/{number}/handover/take
t - t a a a  POST /tickets/{number}/handover/refuse
t o t a a a  POST /tickets/{number}/handover/withdraw
t o t a a a  GET /tickets/{number}/links
t o t a a a  POST /tickets/{number}/links
t o t a a a  DELETE /tickets/{number}/links/{kind}/{other}
t o t a a a  GET /tickets/{number}/notes
t o t a a a  POST /tickets/{number}/notes
# working together
t o t a a a  GET /tickets/{number}/watchers
t o t a a a  POST /tickets/{number}/watchers
t o t a a a  DELETE /tickets/{number}/watchers/{watcher}
a a a a a a  GET /watched
a a a a a a  GET /notices
a a a a a a  GET /notices/events
a a a a a a  POST /notices/read
a a a a a a  POST /notices/{notice_id}/read
t o t a a a  GET /tickets/{number}/attachments
t o t a a a  POST /tickets/{number}/attachments
t o t a a a  GET /tickets/{number}/attachments/{attachment_id}/content
- - t a a a  DELETE /tickets/{number}/attachments/{attachment_id}
a a a a a a  GET /templates
- - a a a a  POST /templates
a a a a a a  GET /templates/{template_id}
- - a a a a  PUT /templates/{template_id}
- - a a a a  DELETE /templates/{template_id}
t o t a a a  POST /tickets/{number}/templates/{template_id}
a a a a a a  GET /views
a a a a a a  POST /views
a a a a a a  GET /views/{view_id}
a a a a a a  PUT /views/{view_id}
a a a a a a  DELETE /views/{view_id}
t o t a a a  GET /views/{view_id}/tickets
t o t a a a  POST /tickets/bulk
# surveys, and what callers were told
t o t a a a  GET /surveys
t o t a a a  GET /tickets/{number}/surveys
a o a a a a  GET /customers/{customer_id}/score
- - a a a a  GET /progress-calls
# calls to customers
a - a a a a  GET /outbound
- - - a a a  POST /outbound/stop
- - - a a a  POST /outbound/start
o - a a a a  GET /outbound/calls
o - a a a a  POST /outbound/calls
o - a a a a  GET /outbound/calls/{request_id}
o - a a a a  DELETE /outbound/calls/{request_id}
- - a a a a  GET /outbound/attempts
- - a a a a  GET /outbound/marks
a - a a a a  PUT /outbound/marks/{mark}/{number}
- - - a a a  DELETE /outbound/marks/{mark}/{number}
t o t a a a  GET /tickets/{number}/outbound-calls
t - t a a a  POST /tickets/{number}/outbound-calls
t o t a a a  GET /tickets/{number}/mobile
t o t a a a  PUT /tickets/{number}/mobile
o o a a a a  GET /revisits
t o t a a a  GET /tickets/{number}/revisits
t - t a a a  POST /tickets/{number}/revisits
t - t a a a  POST /tickets/{number}/revisits/{revisit_id}/visits/{visit}
t - t a a a  POST /tickets/{number}/revisits/{revisit_id}/cancel
# messages to customers
t o t a a a  GET /tickets/{number}/messages
t o t a a a  POST /tickets/{number}/messages
- - - - a a  POST /messages/received
- - a a a a  GET /opt-outs
a - a a a a  PUT /opt-outs/{channel}/{to}
- - - a a a  DELETE /opt-outs/{channel}/{to}
# automation and tasks
- - a a a a  GET /automation/editions
- - a a a a  GET /automation/editions/{edition}
- - - a a a  POST /automation/check
- - - a a a  POST /automation/dry-run
- - - - a a  POST /automation/editions
- - - a a a  GET /automation/runs
t o t a a a  GET /tickets/{number}/automation
t o t a a a  GET /tasks
t o t a a a  POST /tasks
t o t a a a  POST /tasks/{task_id}/done
t o t a a a  POST /tasks/{task_id}/drop
t o t a a a  GET /tickets/{number}/tasks
t o t a a a  POST /tickets/{number}/tasks
"""  # agent, technician, lead, supervisor, administrator, integration

_WIDTH = 2 * len(COLUMNS)
TABLE: Mapping[str, Mapping[Role, Reach]] = {
    line[_WIDTH:].strip(): row(line[:_WIDTH])
    for line in _ROWS.splitlines()
    if line and not line.startswith("#")
}
"""What each role may, by operation: method, and path under /api/v1."""

UNMASKED = row("o o t a a a")
"""Of whose tickets numbers and names are shown in full to who may see such at all."""

_NOT_LISTED = row("- - - - a a")  # a route whose row is being written; the tests find it


def reach_of(operation: str, role: Role) -> Reach:
    """Up to whose tickets `role` may use an operation."""
    return TABLE.get(operation, _NOT_LISTED)[role]
