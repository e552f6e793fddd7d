"""The secrets of docker-compose.yml, made on this machine."""

from pathlib import Path

from truth_issuer.settings import IssuerSettings
from truth_topology.topology import LOCAL, principals

from truth_local import issuing, realm, store_logins
from truth_local.layout import DATABASES, Layout, write_private
from truth_local.passwords import issuer_key, password
from truth_local.ports import Ports
from truth_local.postgres import SUPERUSER
from truth_local.trust import write_trust

FOLDER = Path("deploy")
ISSUER_HOST = "issuer.localhost"  # an address for browsers and, as a network alias, for containers
_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o444  # containers run as another user; the folder keeps everybody else out


def make_secrets(folder: Path, ports: Ports) -> Layout:
    """Make what is missing of `folder`/secrets and `folder`/trust, and write anew what names a port.

    Passwords and keys are random and, once made, stay as they are.
    """
    layout = Layout(folder.resolve())
    kinds = ("keys", "kafka", "postgres", "clients", "people", "store")
    for made in (layout.secrets, *(layout.secrets / kind for kind in kinds), layout.trust):
        made.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    password(layout.postgres_password(SUPERUSER))
    for database in DATABASES:
        for kind in ("owner", "app"):
            password(layout.postgres_password(f"{database}_{kind}"))
    for principal in principals(LOCAL):
        password(layout.kafka_password(principal))
    issuer_key(layout)
    issuer = _issuer(layout, ports)
    write_private(layout.secrets / "issuer.json", issuer.model_dump_json())
    write_private(layout.secrets / "realm.json", realm.filled(layout, issuer.clients))
    write_private(layout.secrets / "store" / "identities.json", store_logins.identities(layout))
    write_trust(layout, ports)
    for file in (*layout.secrets.rglob("*"), *layout.trust.rglob("*")):
        if file.is_file():
            file.chmod(_FILE_MODE)
    return layout


def issuer_url(ports: Ports) -> str:
    """The issuer as tokens name it."""
    return f"http://{ISSUER_HOST}:{ports.of['issuer']}"


def _issuer(layout: Layout, ports: Ports) -> IssuerSettings:
    local = issuing.settings(layout, ports)
    return IssuerSettings.model_validate(
        local.model_dump()
        | {
            "url": issuer_url(ports),
            "host": "0.0.0.0",  # noqa: S104 in its container; the port is published on loopback
            "in_container": True,
            "key_file": Path("/run/secrets/issuer.pem"),
        }
    )
