"""`truth-issuer FILE`: serve the issuer that the settings in FILE describe."""

import ipaddress
import sys
from pathlib import Path

import uvicorn

from truth_issuer.app import build
from truth_issuer.settings import IssuerSettings


class TooOpenError(ValueError):
    """This issuer asks for no password, so it must not be reachable from another machine."""


def require_closed(settings: IssuerSettings) -> None:
    """Raise TooOpenError where anybody but the people at this machine could reach it.

    It listens on an address of the loopback network, written as a number; in a container, which has a
    loopback of its own, on every address: whoever starts it publishes its port on loopback only.
    """
    if settings.environment == "production":
        raise TooOpenError("This issuer signs anybody in; the environment is called production.")
    if not settings.in_container and not _is_loopback(settings.host):
        raise TooOpenError(f"{settings.host!r} is not a loopback address; this issuer signs anybody in.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main() -> None:
    """Serve until SIGTERM."""
    settings = IssuerSettings.model_validate_json(Path(sys.argv[1]).read_bytes())
    require_closed(settings)
    uvicorn.run(
        build(settings), host=settings.host, port=settings.port, access_log=False, timeout_keep_alive=75
    )  # longer than a client keeps a connection, which then is the one to close it


if __name__ == "__main__":
    main()
