"""The PostgreSQL of the local system: who may connect, and what it keeps."""

# asyncpg has no types of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncpg
import pytest
from truth_contracts.topics import SERVICES
from truth_local.system import System


@pytest.mark.parametrize("service", SERVICES)
async def test_a_database_opens_to_its_own_roles_only(infrastructure: System, service: str) -> None:
    for name, dsns in infrastructure.dsns.items():
        for dsn in (dsns.app, dsns.owner):
            target = dsn.rpartition("/")[0] + f"/{service}"
            if name == service:
                await (await asyncpg.connect(target)).close()
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await asyncpg.connect(target)


@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_other_databases_open_to_no_role(infrastructure: System, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(infrastructure.dsns["intake"].owner.rpartition("/")[0] + f"/{database}")


@pytest.mark.parametrize("role", ["postgres", "intake_app", "intake_owner"])
async def test_postgres_asks_everybody_for_a_password(infrastructure: System, role: str) -> None:
    port = infrastructure.ports.of["postgres"]
    for password in ("", "wrong"):
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
            await asyncpg.connect(f"postgresql://{role}:{password}@127.0.0.1:{port}/intake")


async def test_an_app_role_makes_nothing_and_an_owner_makes_a_schema(infrastructure: System) -> None:
    dsns = infrastructure.dsns["signals"]
    app = await asyncpg.connect(dsns.app)
    for statement in ("CREATE SCHEMA mine", "CREATE TABLE public.mine (id int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.close()
    owner = await asyncpg.connect(dsns.owner)
    await owner.execute("CREATE SCHEMA mine; DROP SCHEMA mine")
    await owner.close()


async def test_postgres_is_durable_and_hashes_passwords(infrastructure: System) -> None:
    superuser = await asyncpg.connect(infrastructure.dsns["intake"].superuser)
    for setting, value in {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}.items():
        assert await superuser.fetchval("SELECT current_setting($1)", setting) == value
    assert (await superuser.fetchval("SHOW server_version")).startswith("18.")
    stored = await superuser.fetch("SELECT rolpassword FROM pg_authid WHERE rolcanlogin")
    assert len(stored) >= 11
    assert all(row["rolpassword"].startswith("SCRAM-SHA-256$") for row in stored)
    await superuser.close()


async def test_postgres_keeps_what_was_committed_through_kill(infrastructure: System) -> None:
    owner = await asyncpg.connect(infrastructure.dsns["records"].owner)
    await owner.execute("CREATE SCHEMA kept; CREATE TABLE kept.row (id int); INSERT INTO kept.row VALUES (1)")
    infrastructure.kill("postgres")
    owner.terminate()
    assert not infrastructure.is_running("postgres")
    infrastructure.start("postgres")
    owner = await asyncpg.connect(infrastructure.dsns["records"].owner)
    assert await owner.fetchval("SELECT id FROM kept.row") == 1
    await owner.execute("DROP SCHEMA kept CASCADE")
    await owner.close()
