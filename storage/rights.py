"""What the role that an address of PostgreSQL names may not do, found out before a start ends on it."""

from __future__ import annotations

import asyncpg

GIVEN = "docs/scale.md#the-database says which rights recado's role needs, and how they are given"
MAY_MAKE = "SELECT COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE)"
SHUT = """
SELECT relname FROM pg_class WHERE relkind = 'r'
  AND (relnamespace, relowner) = (SELECT relnamespace, relowner FROM pg_class WHERE oid = to_regclass('lane'))
  AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
           AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
ORDER BY relname LIMIT 1
"""
"""The first of our tables that is not open to the role."""


async def lacking(connection: asyncpg.Connection, *, new: bool, older: bool) -> str:
    """As words behind "the role may not", with the cure; empty: nothing is lacking. `new`: no table of ours is there
    yet; `older`: the schema is to be brought up to date. Raises what asyncpg raises."""
    if older and not await connection.fetchval(MAY_MAKE):
        return f"make tables in its schema: {GIVEN}"
    shut = None if new else await connection.fetchval(SHUT)
    return f"read and write the table {shut}: {GIVEN}" if shut else ""
