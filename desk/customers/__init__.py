"""Customers: who they are, found by number; several may share one."""

from desk.customers.customer import Customer, find_by_number, get, search
from desk.customers.reading import COLUMNS, CustomerRow, parse_csv, read_csv
from desk.customers.upsert import ImportReport, add_number, import_csv, upsert

__all__ = [
    "COLUMNS",
    "Customer",
    "CustomerRow",
    "ImportReport",
    "add_number",
    "find_by_number",
    "get",
    "import_csv",
    "parse_csv",
    "read_csv",
    "search",
    "upsert",
]
