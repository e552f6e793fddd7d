"""Our side: the whole system, from the request at intake's door to the Signal on its topic."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from truth_local.system import System

from tests.bench.meters import pid_of
from tests.bench.paths.door import Answer, Door
from tests.bench.paths.load import request
from tests.bench.paths.watch import Watch

SURFACE = "bench-repairs"
_STAGE = "repair"


@dataclass(frozen=True, slots=True)
class Truth:
    """The system as `make up` starts it, one replica of each service."""

    system: System
    watch: Watch
    pids: Mapping[str, int]
    name: str = "ours"

    def client(self) -> "Client":
        """A client with connections of its own."""
        urls, token = self.system.urls, self.system.token
        return Client(
            self.watch,
            intake=Door(urls["intake"], token("acme")),
            governance=Door(urls["governance"], token("ada")),
            execution=Door(urls["execution"], token("olga")),
        )


@dataclass(frozen=True, slots=True)
class Client:
    """Everybody on one path: who asks, the admin, the operator."""

    watch: Watch
    intake: Door
    governance: Door
    execution: Door

    async def walk(self) -> None:
        """One path."""
        request_id = (await self.intake.post("/api/requests", request(SURFACE)))["request_id"]
        await self._govern(await self.watch.told("tasks.changed", request_id))
        job = await self.watch.told("jobs.changed", request_id)
        await self._give(job["id"], "claim")
        await self._give(job["id"], "start")
        await self._give(job["id"], "stage", name=_STAGE)
        await self._give(job["id"], "complete", outcome="fulfilled")
        await self.watch.told("signals.emitted", request_id)

    def close(self) -> None:
        """Close the connections."""
        for door in (self.intake, self.governance, self.execution):
            door.close()

    @property
    def again(self) -> int:
        """Calls that were asked again."""
        return self.intake.again + self.governance.again + self.execution.again

    async def _govern(self, task: Answer) -> None:
        path, post = f"/api/tasks/{task['id']}", self.governance.post
        approved = await post(f"{path}/approve", {"version": task["version"]})
        assigned = await post(f"{path}/assign", {"version": approved["version"], "operator_id": "olga"})
        prepared = await post(f"{path}/job/prepare", {"version": assigned["version"]})
        await post(f"{path}/job", {"digest": prepared["digest"]})

    async def _give(self, job_id: str, name: str, /, **facts: str) -> None:
        await self.execution.post(f"/api/jobs/{job_id}/{name}", {"command_id": str(uuid4()), **facts})


def truth(system: System, watch: Watch) -> Truth:
    """Our side of a system that is up."""
    return Truth(system, watch, {part: pid_of(system, part) for part in system.parts})


async def register(system: System) -> None:
    """A live surface with one stage and no photo, so that eight human calls make a path."""
    door = Door(system.urls["intake"], system.token("ada"))
    stages = [{"name": _STAGE, "evidence_required": False}]
    await door.put(f"/api/surfaces/{SURFACE}", {"title": "Bench", "maturity": "live", "stages": stages})
    door.close()
