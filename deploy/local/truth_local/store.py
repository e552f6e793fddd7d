"""The S3 server, when photos are kept in buckets: SeaweedFS from its wheel, a login for each service."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store
from truth_kit.connections import BlobStore

from truth_local.layout import Layout, write_private
from truth_local.passwords import password
from truth_local.ports import Ports
from truth_local.processes import Part, StartError

BUCKETS = {"execution": "truth-execution", "records": "truth-records"}
_RIGHTS = {
    "execution": ("Read:truth-execution", "Write:truth-execution", "List:truth-execution"),
    "records": ("Read:truth-execution", "Read:truth-records", "Write:truth-records", "List:truth-records"),
}
_OFF = ("-admin.ui=false", "-webdav=false", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0")


def bucket(layout: Layout, ports: Ports, service: str, of: str, prefix: str | None = None) -> BlobStore:
    """The bucket of `of`, with the login of `service`."""
    return BlobStore(
        s3_bucket=BUCKETS[of],
        s3_prefix=prefix,
        s3_endpoint=_address(ports),
        s3_access_key_file=layout.store_login(service, "id"),
        s3_secret_key_file=layout.store_login(service, "secret"),
    )


def part(layout: Layout, ports: Ports) -> Part:
    """The server as a process; ready when it takes bytes into each bucket."""
    numbers = {
        "-s3.port": "store", "-s3.port.grpc": "store-rpc", "-filer.port": "store-filer",
        "-filer.port.grpc": "store-filer-rpc", "-master.port": "store-master",
        "-master.port.grpc": "store-master-rpc", "-volume.port": "store-volume",
        "-volume.port.grpc": "store-volume-rpc",
    }  # fmt: skip
    return Part(
        name="store",
        command=(
            str(_weed()), "mini", f"-dir={layout.store}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            f"-s3.config={_identities(layout)}", f"-bucket={','.join(BUCKETS.values())}", *_OFF,
            *(f"{flag}={ports.of[name]}" for flag, name in numbers.items()),
        ),
        folder=layout.folder,
        log=layout.log("store"),
        ready=lambda: all(_takes_bytes(layout, ports, service) for service in BUCKETS),
    )  # fmt: skip


def prepare(layout: Layout, say: Callable[[str], None]) -> None:
    """Everything before the server's process: its folder, and who may do what. Raises StartError."""
    if not _weed().exists():
        raise StartError("store: SeaweedFS is not installed: run `make test-s3`, or `uv sync --group s3`.")
    say("writing its logins")
    layout.store.mkdir(mode=0o700, exist_ok=True)
    write_private(
        _identities(layout), json.dumps({"identities": [_identity(layout, name) for name in BUCKETS]})
    )


def _identity(layout: Layout, service: str) -> dict[str, object]:
    login = {name: password(layout.store_login(service, kind)) for name, kind in _KEYS.items()}
    return {"name": service, "credentials": [login], "actions": _RIGHTS[service]}


_KEYS = {"accessKey": "id", "secretKey": "secret"}


def _takes_bytes(layout: Layout, ports: Ports, service: str) -> bool:
    store = S3Store(
        BUCKETS[service],
        endpoint=_address(ports),
        region="us-east-1",
        access_key_id=password(layout.store_login(service, "id")),
        secret_access_key=password(layout.store_login(service, "secret")),
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    try:
        obstore.put(store, "ready", b"")
    except BaseError:
        return False
    return True


def _address(ports: Ports) -> str:
    return f"http://127.0.0.1:{ports.of['store']}"


def _identities(layout: Layout) -> Path:
    return layout.secrets / "store" / "identities.json"


def _weed() -> Path:
    """The wheel's own program, else one on the path."""
    shipped = Path(sys.executable).with_name("weed")
    return shipped if shipped.exists() else Path(shutil.which("weed") or shipped)
