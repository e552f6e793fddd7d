"""The console's pages, served as `truth serve` serves them."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

from truth_console.options import opened
from truth_console.page.app import page
from truth_console.page.serving import served
from truth_local import facts
from truth_local.demo.acting import wait_for
from truth_local.system import System


@contextmanager
def console(system: System) -> Generator[str]:
    """Where they are, until this ends."""
    facts.write_facts(system)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with opened(system.layout.facts) as what:
        server = served(page(what), port)
        running = threading.Thread(target=server.run)
        running.start()
        try:
            wait_for(lambda: server.started or None, "page that answers")
            yield f"http://localhost:{port}"
        finally:
            server.should_exit = True
            running.join(30)
