"""`area_code[,NUMBER]`: where the caller, or another number, is from."""

from agi_scripts.protocol import harmless
from agi_scripts.script import Script, Services
from agi_scripts.session import Session
from desk.region import Caller, locate


async def run(session: Session, services: Services) -> None:
    """Set HS_NUMBER, HS_NUMBER_KIND, HS_PROVINCE, HS_CITY, HS_CITIES and HS_AREA_CODE."""
    caller = caller_of(session, services)
    await session.set_variables(
        {
            "HS_NUMBER": caller.e164,
            "HS_NUMBER_KIND": caller.kind,
            "HS_PROVINCE": caller.province,
            "HS_CITY": caller.city,
            "HS_CITIES": harmless("/".join(caller.cities)),
            "HS_AREA_CODE": caller.area_code,
            "HS_RESULT": "OK",
        }
    )


def caller_of(session: Session, services: Services) -> Caller:
    """The number that a script was given (first argument or `number=`), else the caller's own."""
    number = session.request.argument(0, "number") or session.request.caller_id
    return locate(number, services.home_area_code, table=services.table)


SCRIPT = Script("area_code", run)
