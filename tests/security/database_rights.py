"""What each PostgreSQL role may do, found out by trying it; every attempt is rolled back."""

# asyncpg has no types of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
from sqlalchemy import make_url
from truth_contracts.topics import SERVICES
from truth_local.system import System

from tests.security.table import table

DATABASES = (*SERVICES, "postgres", "template1")
_BY_TRIGGER = "!"
"""Behind a verb: the role has the right, and a trigger refuses all the same."""
_TRIES_MAX = 20
_ALWAYS = (
    "SET session_replication_role = replica"  # switches off all triggers but those that are ENABLE ALWAYS
)

_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'truth'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1
"""
_COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
# A GRANT by somebody who may not is a warning; this makes it the error that it is.
_GIVE = """
    DO $$ BEGIN
        GRANT SELECT ON truth.outbox TO PUBLIC;
        IF NOT has_table_privilege('public', 'truth.outbox', 'SELECT') THEN
            RAISE 'nothing was granted' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END $$
"""
_ELSEWHERE = {
    "make a schema": "CREATE SCHEMA mine",
    "make a table beside the others": "CREATE TABLE truth.mine (id int)",
    "make a table in public": "CREATE TABLE public.mine (id int)",
    "make a temporary table": "CREATE TEMPORARY TABLE mine (id int)",
    "make a function": "CREATE FUNCTION truth.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "add a column": "ALTER TABLE truth.inbox ADD COLUMN mine int",
    "drop a table": "DROP TABLE truth.outbox",
    "switch off triggers of a table": "ALTER TABLE truth.dead_letter DISABLE TRIGGER USER",
    "switch off triggers of a session": _ALWAYS,
    "give rights away": _GIVE,
    "become the owner": "SET ROLE {service}_owner",
    "make a role": "CREATE ROLE mine",
    "read password hashes": "SELECT rolpassword FROM pg_authid",
    "read files of the server": "SELECT pg_read_file('postgresql.conf')",
    "run programs on the server": "COPY (SELECT 1) TO PROGRAM 'true'",
    "change settings of the server": "SELECT set_config('log_statement', 'all', false)",
    "signal other sessions": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
    "shut a table": "LOCK TABLE truth.outbox IN ACCESS EXCLUSIVE MODE NOWAIT",
}


def database_rights(system: System) -> str:
    """Roles by databases, roles by tables of their own database, and what else a role might wish for."""
    return asyncio.run(_database_rights(system))


async def _database_rights(system: System) -> str:
    texts = [await _connecting(system)]
    for service in SERVICES:
        texts.append(await _tables(system, service))
    texts.append(await _elsewhere(system))
    return "\n".join(texts)


def _roles(system: System, service: str) -> dict[str, str]:
    dsns = system.dsns[service]
    return {f"{service}_app": dsns.app, f"{service}_owner": dsns.owner}


async def _connecting(system: System) -> str:
    roles = {role: dsn for service in SERVICES for role, dsn in _roles(system, service).items()}
    cells = {
        (role, database): ["connect"]
        for role, dsn in roles.items()
        for database in DATABASES
        if await _opens(make_url(dsn).set(database=database).render_as_string(hide_password=False))
    }
    return table("Databases", tuple(roles), DATABASES, cells)


async def _opens(dsn: str) -> bool:
    try:
        conn = await asyncpg.connect(dsn)
    except asyncpg.InsufficientPrivilegeError:
        return False
    await conn.close()
    return True


async def _tables(system: System, service: str) -> str:
    """The superuser, too, with triggers off: what is still refused then is refused always."""
    dsns = _roles(system, service) | {"superuser": system.dsns[service].superuser}
    cells: dict[tuple[str, str], list[str]] = {}
    names: list[str] = []
    for role, dsn in dsns.items():
        conn = await asyncpg.connect(dsn, server_settings={"lock_timeout": "1000"})
        try:
            if role == "superuser":
                await conn.execute(_ALWAYS)
            names = [name for (name,) in await conn.fetch(_TABLES)]
            for name in names:
                cells[name, role] = await _verbs(conn, name)
        finally:
            await conn.close()
    return table(f"Tables of {service}", names, tuple(dsns), cells)


async def _verbs(conn: Any, name: str) -> list[str]:
    columns = [column for (column,) in await conn.fetch(_COLUMNS, f"truth.{name}")]
    words: list[str] = []
    for verb, statement in _statements(name, columns):
        words += await _word(conn, verb, statement)
    changeable = [column for column in columns if await _word(conn, "", _update(name, column))]
    if changeable:
        update = "update" if changeable == columns else f"update({','.join(changeable)})"
        words += await _word(conn, update, _update(name, changeable[0]))
    return words


def _update(name: str, column: str) -> str:
    return f'UPDATE truth."{name}" SET "{column}" = DEFAULT WHERE false'  # noqa: S608 names from the catalogue


def _statements(name: str, columns: list[str]) -> Iterator[tuple[str, str]]:
    named = ", ".join(f'"{column}"' for column in columns)
    nulls = ", ".join("NULL" for _ in columns)
    yield "select", f'SELECT {named} FROM truth."{name}" LIMIT 0'  # noqa: S608 the same
    yield "insert", f'INSERT INTO truth."{name}" ({named}) OVERRIDING SYSTEM VALUE SELECT {nulls} WHERE false'
    yield "delete", f'DELETE FROM truth."{name}" WHERE false'  # noqa: S608 the same
    yield "truncate", f'TRUNCATE truth."{name}" CASCADE'


async def _word(conn: Any, verb: str, statement: str) -> list[str]:
    """`verb` if the role may, with a mark if a trigger refuses, nothing if it may not."""
    for _ in range(_TRIES_MAX):
        try:
            return [verb] if await _is_let(conn, statement) else []
        except (asyncpg.RaiseError, asyncpg.RestrictViolationError):
            return [verb + _BY_TRIGGER]
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            continue  # a running service was faster
    raise TimeoutError(f"never got the lock for {statement}")


async def _is_let(conn: Any, statement: str) -> bool:
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return False
    finally:
        await transaction.rollback()
    return True


async def _elsewhere(system: System) -> str:
    cells: dict[tuple[str, str], list[str]] = {}
    roles: list[str] = []
    for service in SERVICES:
        for role, dsn in _roles(system, service).items():
            roles.append(role)
            conn = await asyncpg.connect(dsn, server_settings={"lock_timeout": "1000"})
            for wish, statement in _ELSEWHERE.items():
                cells[role, wish] = await _word(conn, "yes", statement.format(service=service))
            await conn.close()
    turned = {(wish, role): words for (role, wish), words in cells.items()}
    return table("Beyond their tables", tuple(_ELSEWHERE), roles, turned)
