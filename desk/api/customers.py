"""Customers."""

from typing import Annotated

from fastapi import Depends, Query

from desk import customers
from desk.access.within import customers_within, seen_customers
from desk.api.access import Reader, reader
from desk.api.models import CustomerOut
from desk.api.paging import Page, number_from_cursor
from desk.api.problems import Problem, not_found
from desk.api.room import MISSING, Cursor, Desk, Id, Limit, Number, Text, e164, room

router = room("customers")


@router.get("/customers")
async def list_customers(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("customers:read"))],
    number: Number = None,
    text: Text = None,
    level: Annotated[str | None, Query(max_length=60)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CustomerOut]:
    """Customers: all who have a number, or by name, company, external id or level. Scope
    `customers:read`.
    """
    if number is not None:
        same = await desk.db.read(customers.find_by_number, e164(number) or "")
        seen = await desk.db.read(seen_customers, who.principal, who.reach, [c.id for c in same])
        clear = await desk.db.read(seen_customers, who.principal, who.clear, seen)
        items = [CustomerOut.of(c, c.id not in clear) for c in same if c.id in seen]
        return Page[CustomerOut](items=items, next=None)
    found = await desk.db.read(
        customers.search,
        text=text,
        level=level,
        limit=limit + 1,
        before=number_from_cursor(cursor),
        within=customers_within(who.principal, who.reach),
    )
    clear = await desk.db.read(seen_customers, who.principal, who.clear, [c.id for c in found])
    return Page[CustomerOut].of(
        found, limit, lambda c: c.id, lambda c: CustomerOut.of(c, c.id not in clear)
    )


@router.get("/customers/{customer_id}", responses=MISSING)
async def get_customer(
    desk: Desk, who: Annotated[Reader, Depends(reader("customers:read"))], customer_id: Id
) -> CustomerOut:
    """One customer. Scope `customers:read`."""
    customer = await desk.db.read(customers.get, customer_id)
    if customer is None:
        raise not_found(f"customer {customer_id}", "GET /api/v1/customers finds customers.")
    if not await desk.db.read(seen_customers, who.principal, who.reach, [customer_id]):
        raise Problem(
            403,
            "customer-of-others",
            "Not yours",
            f"Customer {customer_id} has no ticket of yours.",
            "Ask who is in charge of the customer's tickets, or a supervisor.",
        )
    clear = await desk.db.read(seen_customers, who.principal, who.clear, [customer_id])
    return CustomerOut.of(customer, not clear)
