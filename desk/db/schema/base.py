"""What all tables share."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")


def caller_columns() -> list[Column[str]]:
    """Who called and from where; `cities` is a JSON list (a shared area code names several)."""
    return [
        Column("caller_id", Text, nullable=False),
        Column("caller_kind", String(40), nullable=False),
        Column("e164", String(40), nullable=False),
        Column("province", String(40), nullable=False),
        Column("city", String(40), nullable=False),
        Column("area_code", String(10), nullable=False),
        Column("cities", Text, nullable=False),
    ]
