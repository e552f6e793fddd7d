"""Puts the parts together; no rule, no query."""

from importlib.metadata import version

from truth_kit.lifecycle import Service
from truth_sealing.keys import FileSigner

from truth_intake import consumer
from truth_intake.api import intakes, requests, surfaces, track
from truth_intake.ops import OPS
from truth_intake.settings import Settings


def service() -> Service:
    """Intake as its settings describe it."""
    settings = Settings()  # pyright: ignore[reportCallIssue] filled from the environment
    signer = FileSigner.read("intake", settings.step_key_file)
    return Service(
        name="intake",
        version=version("truth-intake"),
        http=settings.http,
        database=settings.database,
        kafka=settings.kafka,
        issuer=settings.issuer,
        replica=settings.replica,
        routes=consumer.routes(signer),
        routers=(requests.router, intakes.router, track.router, surfaces.router),
        ops=OPS,
        state={"signer": signer},
    )
