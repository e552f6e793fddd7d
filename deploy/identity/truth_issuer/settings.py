"""What the issuer's process is told, in one file of mode 0600."""

from pathlib import Path

from pydantic import BaseModel


class Client(BaseModel, frozen=True):
    """An application that may ask for tokens."""

    secret: str
    redirect_uris: tuple[str, ...] = ()  # for the code flow, compared to the letter
    machine: str | None = None  # for client credentials: the account it acts as


class IssuerSettings(BaseModel, frozen=True):
    """The issuer's whole configuration."""

    url: str
    port: int
    key_file: Path
    clients: dict[str, Client]
    host: str = "127.0.0.1"
    in_container: bool = False
    """It may listen on every address, since only a port published on loopback leads to it."""
    environment: str = "development"
