"""Puts the parts together; no rule, no query."""

from collections.abc import Mapping
from importlib.metadata import version
from urllib.parse import urlsplit

from truth_kit.connections import SignIn
from truth_kit.lifecycle import Service
from truth_kit.pages import Link, Pages
from truth_sealing.keys import FileSigner, read_vkeys

from truth_governance import api, consumer
from truth_governance.domain.authenticator import Site
from truth_governance.domain.proof import Proving
from truth_governance.ops import OPS
from truth_governance.pages import create_job as create_job_pages
from truth_governance.pages import passkeys, tasks
from truth_governance.settings import Settings

MENU = (
    Link("/tasks", "Tasks", ("admin", "operator", "auditor", "ops")),
    Link("/passkeys", "Passkeys", ("admin", "operator")),
)


def pages(sign_in: SignIn, links: Mapping[str, str]) -> Pages:
    """What people see. Create Job's routes come first: the path of the four commands would match them."""
    return Pages(
        package="truth_governance.pages",
        title="Tasks",
        routers=(create_job_pages.router, tasks.router, passkeys.router),
        sign_in=sign_in,
        menu=MENU,
        links=links,
    )


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
        state={
            "signer": FileSigner.read("governance", settings.step_key_file),
            "proving": Proving(settings.create_job_proof, _site(settings)),
        },
        pages=pages(settings.sign_in, settings.links),
    )


def _site(settings: Settings) -> Site:
    """Where people use passkeys: the origin of the public URL."""
    url = urlsplit(settings.http.public_url)
    return Site(settings.passkey_rp_id or str(url.hostname), f"{url.scheme}://{url.netloc}")
