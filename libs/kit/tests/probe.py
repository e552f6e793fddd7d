"""A whole service for test_lifecycle.py, run as a process: consumes, commands, publishes, has a task."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Message, Received
from truth_contracts.records import RecordSealed
from truth_contracts.topics import RECORDS_SEALED, SIGNALS_EMITTED
from truth_kit import outbox
from truth_kit.connections import DatabaseConnection, HttpServer, KafkaConnection
from truth_kit.database import DatabaseDependency
from truth_kit.dead_letters import DeadLetter
from truth_kit.lifecycle import Runtime, Service, main
from truth_kit.subscribe import Route

router = APIRouter()


class Settings(BaseSettings):
    """From the environment, as every service's."""

    model_config = SettingsConfigDict(
        env_prefix="TRUTH_SIGNALS_", env_nested_delimiter="_", env_nested_max_split=1, frozen=True
    )
    http: HttpServer
    database: DatabaseConnection
    kafka: KafkaConnection
    issuer: str
    crashes: int = 0


@router.post("/emit/{word}")
async def emit(word: str, database: DatabaseDependency, seconds: float = 0) -> str:
    """A command: durable when this answers, published after it. It may take its time."""
    await asyncio.sleep(seconds)
    async with database.begin() as tx:
        await outbox.add(tx, [Message(SIGNALS_EMITTED.name, b"key", word.encode(), ())])
    return word


async def on_record_sealed(
    _tx: AsyncConnection, _batch: Sequence[Received[RecordSealed]], _now: datetime
) -> Sequence[DeadLetter]:
    """Does nothing; the subscription is what counts."""
    return []


def service() -> Service:
    """The probe, in the name of signals, since Kafka grants rights to the five services only."""
    settings = Settings()  # pyright: ignore[reportCallIssue] filled from the environment
    crashes = iter(range(settings.crashes))

    async def fragile(runtime: Runtime) -> None:
        if next(crashes, None) is not None:
            raise ZeroDivisionError("a bug in a task")
        runtime.notes["fragile"] = "works now"
        await runtime.stopping.wait()

    return Service(
        name="signals",
        version="1.0.0",
        http=settings.http,
        database=settings.database,
        kafka=settings.kafka,
        issuer=settings.issuer,
        routes=(Route(RECORDS_SEALED, on_record_sealed),),
        routers=(router,),
        tasks={"fragile": fragile},
    )


if __name__ == "__main__":
    sys.exit(main("signals", Settings, service))
