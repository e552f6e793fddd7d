"""`python -m truth_local.issuer FILE`: serve the issuer that the settings in FILE describe."""

import ipaddress
import sys
from pathlib import Path

import uvicorn

from truth_local.issuer.app import build
from truth_local.issuer.settings import IssuerSettings


class NotLoopbackError(ValueError):
    """This issuer asks for no password, so it must not be reachable from another machine."""


def require_loopback(host: str) -> None:
    """Raise NotLoopbackError unless `host` is an address of the loopback network, written as a number."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopbackError(f"{host!r} is not a loopback address; this issuer signs anybody in.")


def main() -> None:
    """Serve until SIGTERM."""
    settings = IssuerSettings.model_validate_json(Path(sys.argv[1]).read_bytes())
    require_loopback(settings.host)
    uvicorn.run(build(settings), host=settings.host, port=settings.port, access_log=False)


if __name__ == "__main__":
    main()
