"""Puts the parts together; no rule, no query."""

from importlib.metadata import version

from truth_kit.lifecycle import Service
from truth_sealing.keys import FileSigner, read_vkeys

from truth_governance import api, consumer
from truth_governance.ops import OPS
from truth_governance.settings import Settings


def service() -> Service:
    """Governance as its settings describe it."""
    settings = Settings()  # pyright: ignore[reportCallIssue] filled from the environment
    keys = read_vkeys(settings.step_keys_file.read_text(encoding="ascii"))
    return Service(
        name="governance",
        version=version("truth-governance"),
        http=settings.http,
        database=settings.database,
        kafka=settings.kafka,
        issuer=settings.issuer,
        replica=settings.replica,
        routes=consumer.routes(keys),
        routers=(api.router,),
        ops=OPS,
        state={"signer": FileSigner.read("governance", settings.step_key_file)},
    )
