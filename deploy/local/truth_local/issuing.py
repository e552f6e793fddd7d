"""The development issuer as a part of the system."""

import sys

from truth_issuer.people import MACHINES
from truth_issuer.settings import Client, IssuerSettings

from truth_local.environment import bare, is_ok
from truth_local.layout import SERVICES, Layout, write_private
from truth_local.passwords import issuer_key, password
from truth_local.ports import REPLICAS_MAX, Ports
from truth_local.processes import Part


def part(layout: Layout, ports: Ports) -> Part:
    """The issuer as a process; ready when it tells its endpoints."""
    file = layout.secrets / "issuer.json"
    write_private(file, settings(layout, ports).model_dump_json())
    return Part(
        name="issuer",
        command=(sys.executable, "-m", "truth_issuer", str(file)),
        folder=layout.folder,
        log=layout.log("issuer"),
        ready=lambda: is_ok(f"http://127.0.0.1:{ports.of['issuer']}/.well-known/openid-configuration"),
        environment=bare(),
        stop_seconds=5,
    )


def settings(layout: Layout, ports: Ports) -> IssuerSettings:
    """What the issuer's process is told."""
    clients = {name: Client(secret=password(layout.client_secret(name)), machine=name) for name in MACHINES}
    for service in SERVICES:
        callbacks = tuple(
            f"{ports.url(f'{service}-{number}')}/auth/callback" for number in range(1, REPLICAS_MAX + 1)
        )
        clients[service] = Client(secret=password(layout.client_secret(service)), redirect_uris=callbacks)
    return IssuerSettings(
        url=ports.url("issuer"), port=ports.of["issuer"], key_file=issuer_key(layout), clients=clients
    )
