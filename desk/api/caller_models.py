"""A caller as the API shows one."""

from typing import Self

from pydantic import BaseModel, Field

from desk.masking import mask_number
from desk.region.caller import Caller


class CallerOut(BaseModel):
    """Who called, from where."""

    caller_id: str = Field(description="as the trunk sent it")
    kind: str = Field(description="landline, mobile, service, international, hidden, …")
    e164: str = Field(description="with country code; empty where it cannot be called back")
    province: str
    city: str
    area_code: str
    cities: list[str] = Field(description="all cities that share the area code")

    @classmethod
    def of(cls, caller: Caller, masked: bool) -> Self:
        """From the desk's caller."""
        number = mask_number if masked else str
        return cls(
            caller_id=number(caller.input),
            kind=caller.kind,
            e164=number(caller.e164),
            province=caller.province,
            city=caller.city,
            area_code=caller.area_code,
            cities=list(caller.cities),
        )
