"""`customer[,NUMBER]`: which customer the caller, or another number, is."""

from agi_scripts.area_code import caller_of
from agi_scripts.protocol import harmless
from agi_scripts.script import Script, Services
from agi_scripts.session import Session
from desk import customers


async def run(session: Session, services: Services) -> None:
    """Set HS_CUSTOMER_COUNT and HS_CUSTOMER_IDS; the others only when there is exactly one."""
    caller = caller_of(session, services)
    found = await services.db.read(customers.find_by_number, caller.e164)
    one = found[0] if len(found) == 1 else None
    await session.set_variables(
        {
            "HS_CUSTOMER_COUNT": str(len(found)),
            "HS_CUSTOMER_IDS": "/".join(str(customer.id) for customer in found),
            "HS_CUSTOMER_ID": str(one.id) if one else "",
            "HS_CUSTOMER_NAME": harmless(one.name) if one else "",
            "HS_CUSTOMER_COMPANY": harmless(one.company) if one else "",
            "HS_CUSTOMER_LEVEL": harmless(one.level) if one else "",
            "HS_RESULT": "OK" if found else "NOT_FOUND",
        }
    )


SCRIPT = Script("customer", run)
