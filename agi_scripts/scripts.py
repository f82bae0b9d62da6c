"""Every script that the dialplan can call, by name."""

from collections.abc import Mapping

from agi_scripts import area_code, customer, leave_message, ticket_state
from agi_scripts.script import Script

SCRIPTS: Mapping[str, Script] = {
    script.name: script
    for script in (area_code.SCRIPT, customer.SCRIPT, ticket_state.SCRIPT, leave_message.SCRIPT)
}
