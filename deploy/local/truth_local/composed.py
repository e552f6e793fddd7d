"""The system of docker-compose.yml, as this machine sees it: the doors that it publishes."""

from pathlib import Path

from truth_topology.topology import LOCAL, principals

from truth_local.compose_secrets import issuer_url
from truth_local.layout import SERVICES, Layout
from truth_local.passwords import password
from truth_local.ports import Ports, setting
from truth_local.system import Principal, System


def composed(folder: Path, ports: Ports) -> System:
    """The running system by its published doors. It has no parts here, and its databases have no door."""
    layout = Layout(folder.resolve())
    return System(
        layout=layout,
        ports=ports,
        replicas=1,
        evidence="folder",
        bootstrap=f"localhost:{ports.of['kafka']}",
        principals={
            name: Principal(name, password(layout.kafka_password(name)), layout.kafka_password(name))
            for name in principals(LOCAL)
        },
        dsns={},
        issuer=issuer_url(ports),
        urls={service: ports.url(f"{service}-1") for service in SERVICES},
        replica_urls={},
        parts={},
    )


def environment(folder: Path, ports: Ports) -> dict[str, str]:
    """What docker-compose.yml must be told when these are not its own ports and its own folder."""
    published = ("issuer", "kafka", *(f"{service}-1" for service in SERVICES))
    told = {setting(part): str(ports.of[part]) for part in published}
    return told | {"TRUTH_SECRETS": str(folder.resolve())}
