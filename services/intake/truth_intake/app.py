"""Puts the parts together; no rule, no query."""

from collections.abc import Mapping
from importlib.metadata import version

from truth_kit.connections import SignIn
from truth_kit.lifecycle import Service
from truth_kit.pages import Link, Pages
from truth_sealing.keys import FileSigner

from truth_intake import consumer
from truth_intake.api import intakes, requests, surfaces, track
from truth_intake.pages import intakes as intake_pages
from truth_intake.pages import register, request
from truth_intake.pages import track as track_pages
from truth_intake.settings import Settings

MENU = (
    Link("/surfaces", "Surfaces"),
    Link("/intakes", "Intakes", ("operator", "admin", "auditor")),
    Link("/intakes/new", "Enter for a caller", ("operator", "admin")),
    Link("/refused", "Refused messages", ("operator", "admin", "ops")),
)


def pages(sign_in: SignIn, links: Mapping[str, str]) -> Pages:
    """What people see."""
    return Pages(
        package="truth_intake.pages",
        title="Intake",
        routers=(request.router, track_pages.router, intake_pages.router, register.router),
        sign_in=sign_in,
        menu=MENU,
        links=links,
    )


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
        state={"signer": signer},
        pages=pages(settings.sign_in, settings.links),
    )
