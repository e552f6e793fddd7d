"""Puts the parts together; no rule, no query."""

from importlib.metadata import version

from truth_kit.blobs import blobs_at
from truth_kit.lifecycle import Service
from truth_sealing.keys import FileSigner, read_vkeys

from truth_execution import api, consumer
from truth_execution.evidence import Store
from truth_execution.ops import OPS
from truth_execution.settings import Settings


def service() -> Service:
    """Execution as its settings describe it."""
    settings = Settings()  # pyright: ignore[reportCallIssue] filled from the environment
    keys = read_vkeys(settings.step_keys_file.read_text(encoding="ascii"))
    evidence = Store(blobs_at(settings.evidence), settings.evidence_bytes_max)
    return Service(
        name="execution",
        version=version("truth-execution"),
        http=settings.http,
        database=settings.database,
        kafka=settings.kafka,
        issuer=settings.issuer,
        replica=settings.replica,
        routes=consumer.routes(keys),
        routers=(api.router,),
        ops=OPS,
        tasks={"evidence sweep": evidence.sweep},
        state={"signer": FileSigner.read("execution", settings.step_key_file), "evidence": evidence},
    )
