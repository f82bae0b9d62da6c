"""Alembic's environment: runs in the connection and the transaction that `desk.db.migrate` opened.

To write a new script, see docs/decisions/0006-database.md.
"""

from alembic import context

from desk.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
