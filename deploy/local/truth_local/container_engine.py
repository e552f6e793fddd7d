"""Whether test containers can be had on this machine."""

import os
import socket
from contextlib import closing, suppress

import docker
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import DockerException

from truth_local.contained import POSTGRES_IMAGE
from truth_local.kafka_container import KAFKA_IMAGE

_ANSWER_SECONDS = 2
_PULL_SECONDS = 600


def unavailable() -> str | None:
    """Why containers cannot be had, in a line; None when an engine answers and both images are there.

    An image that is missing is pulled, once.
    """
    if not _listens(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")):
        return "no container engine answers"
    try:
        with closing(_client(_ANSWER_SECONDS)) as engine:
            engine.ping()
    except (DockerException, OSError):  # requests' errors are OSErrors
        return "no container engine answers"
    with closing(_client(_PULL_SECONDS)) as engine:
        for image in (KAFKA_IMAGE, POSTGRES_IMAGE):
            if not _has(engine, image):
                return f"the image {image} is neither here nor to be had"
    return None


def _listens(host: str) -> bool:
    """Whether somebody listens on a local socket: the client loses the sockets of failed connections."""
    kind, _, path = host.partition("://")
    if kind != "unix":
        return True
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(path)
        return True
    return False


def _has(engine: docker.DockerClient, image: str) -> bool:
    for have in (engine.images.get, engine.images.pull):
        with suppress(DockerException):
            have(image)
            return True
    return False


def _client(seconds: int) -> docker.DockerClient:
    """With a version: else it asks for one before it can be closed."""
    return docker.DockerClient.from_env(version=DEFAULT_DOCKER_API_VERSION, timeout=seconds)
