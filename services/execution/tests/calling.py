"""Calls the Desk, and reads its answers."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
from truth_execution import consumer
from truth_kit.database import Database
from truth_kit.subscribe import decide
from truth_kit.testing import arrival

from services.execution.tests.making import KEYS, NOW, job_created, path, photo

PHOTO_BYTES_MAX = 50_000
Answer = dict[str, Any]
As = Callable[[str], httpx.AsyncClient]
In = Callable[..., httpx.AsyncClient]
"""A browser by its person and their roles."""


async def queue(database: Database, offset: int = 0, **changes: Any) -> str:
    event = job_created(path(**changes))
    decided = await decide(database, "execution", consumer.routes(KEYS), [arrival(event, offset=offset)], NOW)
    assert decided.acted_on == 1
    return str(event.job.job_id)


async def told(client: httpx.AsyncClient, job: str, what: str, **facts: Any) -> httpx.Response:
    return await client.post(f"/api/jobs/{job}/{what}", json={"command_id": str(uuid4()), **facts})


async def done(client: httpx.AsyncClient, job: str, what: str, **facts: Any) -> Answer:
    answer = await told(client, job, what, **facts)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def uploaded(client: httpx.AsyncClient, octets: bytes) -> str:
    sha256 = hashlib.sha256(octets).hexdigest()
    answer = await client.put(f"/api/evidence/{sha256}", content=octets)
    assert answer.status_code in (200, 201), answer.text
    return sha256


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def worked(olga: httpx.AsyncClient, job: str) -> None:
    """Claimed, started, with everything that `fulfilled` needs."""
    await done(olga, job, "claim")
    await done(olga, job, "start")
    for color, stage in (("red", "inspect"), ("blue", "repair")):
        sha256 = await uploaded(olga, photo(color))
        await done(olga, job, "evidence", sha256=sha256, stage=stage, origin="captured")
    await done(olga, job, "note", text="Washer replaced.", stage="repair", device_at="2026-11-24T12:00:00Z")
    await done(olga, job, "stage", name="hand-over")
