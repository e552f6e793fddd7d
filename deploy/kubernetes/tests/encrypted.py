"""A Kafka and a PostgreSQL that speak TLS only, as in a cluster: for services with the manifests' settings."""

import asyncio
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from truth_local import kafka, postgres, processes
from truth_local.passwords import password
from truth_local.system import System
from truth_local.watch import Watch
from truth_topology.apply import apply
from truth_topology.connection import Login, answers
from truth_topology.topology import LOCAL, principals

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL's message formats: SSLRequest
_CHUNK_BYTES = 65_536
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA, its PEM, and a certificate of it for localhost with its PKCS#8 key."""

    ca: Path
    certificate: Path


def authority(folder: Path, name: str) -> Authority:
    """A new CA of its own."""
    ca = trustme.CA()
    issued = ca.issue_cert("localhost")
    found = Authority(folder / f"{name}-ca.crt", folder / f"{name}.pem")
    ca.cert_pem.write_to_path(str(found.ca))
    key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    found.certificate.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + chain
    )
    return found


def start_kafka(system: System, trusted: Authority) -> Login:
    """The system's broker with SASL_SSL in place of SASL_PLAINTEXT, topics and users made; its administrator."""
    kafka.prepare(system.layout, system.ports, Watch())
    properties = system.layout.kafka / "server.properties"
    told = properties.read_text().replace("CLIENT:SASL_PLAINTEXT", "CLIENT:SASL_SSL")
    told = told.replace("CLIENT://127.0.0.1:", "CLIENT://localhost:")
    for store, file in (("keystore", trusted.certificate), ("truststore", trusted.ca)):
        told += (
            f"listener.name.client.ssl.{store}.type=PEM\nlistener.name.client.ssl.{store}.location={file}\n"
        )
    properties.write_text(told)
    admin = password(system.layout.kafka_password("admin"))
    login = Login(f"localhost:{system.ports.of['kafka']}", "admin", admin, "SASL_SSL", trusted.ca)
    part = replace(system.parts["kafka"], ready=lambda: answers(login))
    processes.start(part)
    processes.wait_ready(part, Watch().check)
    apply(login, LOCAL, {name: password(system.layout.kafka_password(name)) for name in principals(LOCAL)})
    return login


def start_postgres(system: System) -> None:
    """The system's PostgreSQL, with its databases and roles."""
    postgres.prepare(system.layout, system.ports, lambda _: None)
    system.start("postgres")
    postgres.create_databases(system.layout, system.ports)


@contextmanager
def front(port: int, trusted: Authority) -> Generator[int]:
    """Speaks TLS for the PostgreSQL at `port`, whose wheel was built without; the front's own port.

    Whoever does not ask for TLS is hung up on.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(trusted.certificate)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        serving = asyncio.start_server(partial(_pass_on, port, context), "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(serving, loop).result(_SECONDS)
        yield int(server.sockets[0].getsockname()[1])
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_SECONDS)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _pass_on(
    port: int, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    behind: asyncio.StreamWriter | None = None
    try:
        if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
            return
        writer.write(b"S")
        await writer.drain()
        await writer.start_tls(context)
        answers_from, behind = await asyncio.open_connection("127.0.0.1", port)
        ways = {
            asyncio.ensure_future(_copy(reader, behind)),
            asyncio.ensure_future(_copy(answers_from, writer)),
        }
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
    except (OSError, asyncio.IncompleteReadError):
        return  # the client hung up, or did not trust us
    finally:
        for one in (writer, behind):
            if one is not None:
                one.transport.abort()
                with suppress(OSError):
                    await one.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(_CHUNK_BYTES):
        writer.write(octets)
        await writer.drain()
