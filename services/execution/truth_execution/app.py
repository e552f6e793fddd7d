"""Puts the parts together; no rule, no query."""

from collections.abc import Mapping
from importlib.metadata import version

from truth_kit.blobs import blobs_at
from truth_kit.connections import SignIn
from truth_kit.lifecycle import Service
from truth_kit.pages import Link, Pages
from truth_sealing.keys import FileSigner, read_vkeys

from truth_execution import api, consumer
from truth_execution.evidence import Store
from truth_execution.ops import OPS
from truth_execution.pages import desk, job, photos, shell
from truth_execution.settings import Settings


def pages(sign_in: SignIn, links: Mapping[str, str]) -> Pages:
    """What people see."""
    return Pages(
        package="truth_execution.pages",
        title="Desk",
        routers=(desk.router, job.router, photos.router, shell.router),
        sign_in=sign_in,
        menu=(Link("/desk", "Jobs", ("operator",)),),
        links=links,
        sources={"img-src": "'self' blob:"},  # photos that are still on the phone
    )


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
        routes=consumer.routes(keys, settings.create_job_proof),
        routers=(api.router,),
        ops=OPS,
        tasks={"evidence sweep": evidence.sweep},
        state={"signer": FileSigner.read("execution", settings.step_key_file), "evidence": evidence},
        pages=pages(settings.sign_in, settings.links),
    )
