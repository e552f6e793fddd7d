"""One process: HTTP, consumer, relay and further tasks, from start to drain.

`parts` says what a service is made of and keeps its parts running, `readiness` judges their progress,
`application` is the HTTP side, `serving` starts and stops everything in order, `command` is the command line.
"""

from truth_kit.lifecycle.application import application
from truth_kit.lifecycle.command import main
from truth_kit.lifecycle.parts import Runtime, Service, Task
from truth_kit.lifecycle.serving import serve

__all__ = ["Runtime", "Service", "Task", "application", "main", "serve"]
