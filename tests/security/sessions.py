"""The cookie of somebody who is signed in, made as the service makes it."""

from dataclasses import asdict

from truth_kit.connections import read_secret
from truth_kit.pages.session import SESSION, Cookies, Session
from truth_local.system import System


def cookie_of(system: System, service: str, session: Session) -> str:
    """The Cookie header of this person's browser at a service."""
    cookies = Cookies(service, read_secret(system.layout.client_secret(service)))
    return f"{cookies.name(SESSION)}={cookies.sign(SESSION, asdict(session))}"
