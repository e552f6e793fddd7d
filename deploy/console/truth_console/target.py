"""Which broker a command is about: one given by options, or a local system's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ValidationError
from truth_topology.connection import Login
from truth_topology.topology import LOCAL, Size, principals


class TargetError(ValueError):
    """The options do not say which broker is meant, or a file cannot be read."""


@dataclass(frozen=True, slots=True)
class Target:
    """A broker, its administrator, and the size of the deployment."""

    login: Login
    size: Size
    users_at: Login | None = None  # when users log in at another listener than the administrator
    known_passwords: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def passwords(self, folder: Path | None) -> dict[str, str]:
        """The users' passwords: from files in `folder` named like them, else those that are known already."""
        if folder is None:
            return dict(self.known_passwords)
        files = {user: folder / user for user in principals(self.size)}
        return {user: _read(file) for user, file in files.items() if file.exists()}


class _User(BaseModel):
    username: str
    password: str


class _Kafka(BaseModel):
    bootstrap: str
    principals: dict[str, _User]


class _Facts(BaseModel):
    kafka: _Kafka


def local(facts: Path) -> Target:
    """The local system that wrote this local.json. Raises TargetError."""
    try:
        kafka = _Facts.model_validate_json(_read(facts)).kafka
    except ValidationError as error:
        raise TargetError(f"{facts} is not a local.json: {error.error_count()} members are wrong") from error
    users = kafka.principals
    passwords = {user: users[user].password for user in principals(LOCAL) if user in users}
    if "admin" not in users:
        raise TargetError(f"{facts} knows no administrator")
    login = Login(kafka.bootstrap, users["admin"].username, users["admin"].password)
    return Target(login, LOCAL, known_passwords=passwords)


def login(
    bootstrap: str, username: str, password_file: Path | None, protocol: str, ca_file: Path | None
) -> Login:
    """The administrator of the options. Raises TargetError.

    Without SASL in the protocol nobody logs in, and no password is read: such a listener must be one that
    only administrators reach.
    """
    anonymous = Login(bootstrap, protocol=protocol, ca_file=ca_file)
    if bootstrap and anonymous.is_anonymous:
        return anonymous
    if not bootstrap or password_file is None:
        raise TargetError("give --local, or --bootstrap and --password-file")
    return Login(bootstrap, username, _read(password_file), protocol, ca_file)


def given(
    administrator: Login,
    brokers: int,
    outsiders: tuple[Sequence[str], Sequence[str]],
    users_at: str | None = None,
) -> Target:
    """The broker of the options. Partitions are a production deployment's, replicas what `brokers` allow.

    `outsiders` are upstreams and partners.
    """
    upstreams, partners = outsiders
    size = Size(
        replication=min(3, brokers),
        in_sync_min=max(1, min(3, brokers) - 1),
        upstreams=tuple(upstreams),
        partners=tuple(partners),
    )
    return Target(administrator, size, None if users_at is None else Login(users_at))


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise TargetError(f"cannot read {file}: {error.strerror}") from error
