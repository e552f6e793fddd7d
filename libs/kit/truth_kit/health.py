"""Asking a running process whether it is ready: `python -m truth_kit.health NAME`.

Imports nothing heavy: a container's health check runs every few seconds, a service's imports take a second.
"""

import json
import os
import sys
from http.client import HTTPConnection, HTTPException

_ASK_SECONDS_MAX = 5
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 whom to ask, not where to listen


def ask(host: str, port: int) -> str | None:
    """None when the process that listens there is ready; else why not, in a line."""
    connection = HTTPConnection(_ANYWHERE.get(host, host), port, timeout=_ASK_SECONDS_MAX)
    try:
        connection.request("GET", "/health/ready")
        body = json.loads(connection.getresponse().read())
        return (
            None if body["ready"] else "; ".join(f"{one['part']}: {one['reason']}" for one in body["failing"])
        )
    except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
        return f"no answer ({type(error).__name__})"
    finally:
        connection.close()


def run(name: str) -> int:
    """Ask the process of service `name` on this machine, found by its own settings: 0 or 1."""
    settings = f"TRUTH_{name.upper()}_HTTP_"
    unready = ask(os.environ.get(f"{settings}HOST", ""), int(os.environ[f"{settings}PORT"]))
    sys.stdout.write(f"{name}: {unready or 'ready'}\n")
    return 0 if unready is None else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
