"""Where Kafka, PostgreSQL and our own HTTP door are: parts of each service's Settings."""

import ssl
from pathlib import Path
from typing import Literal, Self

import asyncpg
from asyncpg.exceptions import InterfaceError as DriverError
from asyncpg.exceptions import InternalClientError, PostgresError
from pydantic import BaseModel, Field, model_validator
from sqlalchemy.exc import SQLAlchemyError

RELAY_LOCK = 7001
"""Session advisory lock of the one relay that publishes from a database."""
MIGRATION_LOCK = 7002
"""Transaction advisory lock of whoever migrates a database."""


DATABASE_ERRORS = (SQLAlchemyError, PostgresError, DriverError, InternalClientError, OSError)
"""What a call of PostgreSQL raises while it is away, through SQLAlchemy or the driver alone.

InternalClientError is among them: a call made after a backend said that it is terminated, and before its
connection is seen to end, finds the driver's protocol "in another operation". TimeoutError is an OSError.
"""


class KafkaConnection(BaseModel, frozen=True):
    """One SCRAM-SHA-512 principal at one cluster."""

    bootstrap: str = Field(description="host:port of one or more brokers, separated by commas")
    username: str = Field(description="the principal, named like the service")
    password_file: Path = Field(description="file that holds its password and nothing else")
    security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_PLAINTEXT"
    ca_file: Path | None = Field(default=None, description="PEM of the cluster's CA; default: the system's")

    @property
    def password(self) -> str:
        """Read anew at each connection, so that a rotated password is found without a restart."""
        return read_secret(self.password_file)

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """None on a listener without TLS."""
        if self.security_protocol == "SASL_PLAINTEXT":
            return None
        return ssl.create_default_context(cafile=self.ca_file)


class DatabaseConnection(BaseModel, frozen=True):
    """One service's database, as its app role and, for `migrate` only, as its owner."""

    dsn: str = Field(description="postgresql://<name>_app@host:port/<name>")
    password_file: Path | None = Field(
        default=None, description="password of the app role, if not in the DSN"
    )
    owner_dsn: str | None = Field(default=None, description="postgresql://<name>_owner@…; migrate only")
    owner_password_file: Path | None = Field(default=None, description="password of the owner role")


class BlobStore(BaseModel, frozen=True):
    """Where bytes are kept by their digest: in a folder, or in an S3 bucket. Exactly one is given."""

    folder: Path | None = Field(default=None, description="a folder that all replicas see as one")
    s3_bucket: str | None = None
    s3_prefix: str | None = Field(default=None, description="put before every key")
    s3_endpoint: str | None = Field(
        default=None, description="URL of the server; default: AWS's of the region"
    )
    s3_region: str = "us-east-1"
    s3_access_key_file: Path | None = Field(
        default=None, description="file with the key's id; default: the machine's own identity"
    )
    s3_secret_key_file: Path | None = Field(default=None, description="file with the key's secret")
    s3_ca_file: Path | None = Field(default=None, description="PEM of the server's CA, beside the system's")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.folder is None) == (self.s3_bucket is None):
            raise ValueError("give either FOLDER or S3_BUCKET")
        if (self.s3_access_key_file is None) != (self.s3_secret_key_file is None):
            raise ValueError("give both S3_ACCESS_KEY_FILE and S3_SECRET_KEY_FILE, or neither")
        return self


class HttpServer(BaseModel, frozen=True):
    """Where this process listens, and what people type to reach it."""

    host: str = "127.0.0.1"
    port: int = Field(description="0 takes any free port")
    public_url: str = Field(description="scheme, host and port of links to this service")


class SignIn(BaseModel, frozen=True):
    """How people sign in to this service's pages, at the issuer."""

    client_id: str = Field(description="this service, as the issuer knows it")
    client_secret_file: Path = Field(
        description="file that holds the client's secret; the cookies' key comes from it, too"
    )


def read_secret(file: Path) -> str:
    """The text of a secret's file without the line feed that editors add."""
    return file.read_text(encoding="utf-8").rstrip("\r\n")


async def dial(
    connection: DatabaseConnection, name: str, settings: dict[str, str], *, command_timeout: float
) -> asyncpg.Connection:
    """A connection of its own, as the app role. The password file is read anew each time.

    Raises one of DATABASE_ERRORS while PostgreSQL is away.
    """
    password_file = connection.password_file
    return await asyncpg.connect(
        connection.dsn,
        password=read_secret(password_file) if password_file else None,
        timeout=5,
        command_timeout=command_timeout,
        server_settings={"application_name": name, **settings},
    )
