"""One process: HTTP, consumer, relay and further tasks, from start to drain.

`parts` says what a service is made of and keeps its parts running, `readiness` judges their progress,
`answering` is the HTTP side, `serving` starts and stops everything in order, `command` is the command line.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truth_kit.lifecycle.answering import application
    from truth_kit.lifecycle.command import main
    from truth_kit.lifecycle.parts import Runtime, Service, Task
    from truth_kit.lifecycle.serving import serve

__all__ = ["Runtime", "Service", "Task", "application", "main", "serve"]

_ROOMS = {
    "Runtime": "parts",
    "Service": "parts",
    "Task": "parts",
    "application": "answering",
    "main": "command",
    "serve": "serving",
}


def __getattr__(name: str) -> object:
    """Loads what is asked for (PEP 562): `migrate` and `health` need neither FastAPI nor FastStream."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
