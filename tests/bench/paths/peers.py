"""The peers' side: a server of theirs over a PostgreSQL of its own, set up as ours is, fsync on."""

import asyncio
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
from truth_local import ports, postgres, processes
from truth_local.environment import bare, is_ok
from truth_local.processes import Part
from truth_local.system import System, describe

from tests.bench.meters import pid_of
from tests.bench.paths.door import Door
from tests.bench.paths.load import request
from tests.bench.paths.moves import MOVES

MODULES: Mapping[str, str] = {"monolith": "monolith", "DBOS lean": "lean"}
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Peer:
    """A server, and the PostgreSQL below it."""

    name: str
    url: str
    pids: Mapping[str, int]

    def client(self) -> "Client":
        """A client with a connection of its own."""
        return Client(Door(self.url))


@dataclass(frozen=True, slots=True)
class Client:
    """Everybody on one path: a peer has one door."""

    door: Door

    async def walk(self) -> None:
        """One path."""
        path = f"/work/{uuid4()}"
        await self.door.post(path, request("bench-repairs"))
        for kind in MOVES:
            await self.door.post(f"{path}/{kind}", {"command_id": str(uuid4()), "note": "Looks right."})
        await self.door.get(f"{path}/end")

    @property
    def again(self) -> int:
        """Calls that were asked again."""
        return self.door.again

    def close(self) -> None:
        """Close the connection."""
        self.door.close()


@contextmanager
def peers(folder: Path) -> Generator[list[Peer]]:
    """Both peers, each a process over a database of its own, until the block ends."""
    system = describe(folder, ports.free())
    postgres.prepare(system.layout, system.ports, lambda _: None)
    with ExitStack() as stack:
        stack.callback(processes.sweep, system.layout.folder)
        system.start("postgres")
        stack.callback(system.stop, "postgres")
        places = zip(
            MODULES.items(), system.replica_urls, strict=False
        )  # ports of services that nobody starts
        yield [stack.enter_context(_serving(system, name, module, place)) for (name, module), place in places]


@contextmanager
def _serving(system: System, name: str, module: str, place: str) -> Generator[Peer]:
    layout, url = system.layout, system.replica_urls[place]
    dsn = postgres.dsn(layout, system.ports, postgres.SUPERUSER, module)
    asyncio.run(_create_database(system, module))
    part = Part(
        name=module,
        command=(sys.executable, "-m", f"tests.bench.paths.{module}", str(system.ports.of[place]), dsn),
        folder=layout.folder,
        log=layout.log(module),
        ready=lambda: is_ok(f"{url}/ready"),
        environment=bare({"PYTHONPATH": str(_ROOT)}),
    )
    processes.start(part)
    try:
        processes.wait_ready(part, lambda: None)
        found = processes.find(part)
        assert found is not None
        yield Peer(name, url, {module: found.pid, "postgres": pid_of(system, "postgres")})
    finally:
        processes.stop(part)


async def _create_database(system: System, name: str) -> None:
    conn = await asyncpg.connect(postgres.dsn(system.layout, system.ports, postgres.SUPERUSER, "postgres"))
    try:
        await conn.execute(f'CREATE DATABASE "{name}"')
    finally:
        await conn.close()
