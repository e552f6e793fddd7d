"""The page's web server: on this machine alone."""

import uvicorn
from fastapi import FastAPI

_LIVE_SECONDS_MAX = 2  # a stream that has not ended by then is cut off


def served(app: FastAPI, port: int) -> uvicorn.Server:
    """Ready to run; ends within two seconds of SIGTERM, whoever watches."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=75,  # longer than a client keeps a connection, which closes it then
            timeout_graceful_shutdown=_LIVE_SECONDS_MAX,
        )
    )
    app.state.is_stopping = lambda: server.should_exit
    return server
