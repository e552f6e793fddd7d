"""The page's web server: on this machine alone."""

import uvicorn
from fastapi import FastAPI

_LIVE_SECONDS_MAX = 1  # an open stream is cut off after this when the process is told to stop


def served(app: FastAPI, port: int) -> uvicorn.Server:
    """Ready to run; ends within two seconds of SIGTERM, whoever watches."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_LIVE_SECONDS_MAX,
        )
    )
