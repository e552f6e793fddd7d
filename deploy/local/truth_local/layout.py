"""Where everything of one local system lies, below one folder."""

import os
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("intake", "governance", "execution", "records", "signals")
STEP_SIGNERS = ("intake", "governance", "execution")
DATABASES = SERVICES  # every service owns the database that bears its name
_FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one local system. All is written below `folder`, PostgreSQL under root excepted."""

    folder: Path

    @property
    def logs(self) -> Path:
        """One log file per part."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """One file per running process, and the lock of `up` and `down`."""
        return self.folder / "run"

    @property
    def secrets(self) -> Path:
        """Passwords and private keys, made at random on first start."""
        return self.folder / "secrets"

    @property
    def kafka(self) -> Path:
        """The broker's configuration and log segments."""
        return self.folder / "kafka"

    @property
    def evidence(self) -> Path:
        """The evidence stores of execution and records, apart from each other."""
        return self.folder / "evidence"

    @property
    def store(self) -> Path:
        """The S3 server's data, when evidence is kept there."""
        return self.folder / "store"

    @property
    def trust(self) -> Path:
        """Public halves of keys, for verifiers."""
        return self.folder / "trust"

    @property
    def step_keys(self) -> Path:
        """The public halves of all step keys, one vkey a line."""
        return self.trust / "step-keys"

    @property
    def policy(self) -> Path:
        """The tlog-policy that verifiers pin."""
        return self.trust / "policy"

    @property
    def keyring(self) -> Path:
        """Every public key there ever was; it stands beside the policy, where verifiers look for it."""
        return self.trust / "keys.json"

    @property
    def facts(self) -> Path:
        """What any client needs to join in; there while the system is up."""
        return self.folder / "local.json"

    def log(self, part: str) -> Path:
        """The log file of one part."""
        return self.logs / f"{part}.log"

    def step_key(self, service: str) -> Path:
        """The private step key of one service."""
        return self.secrets / "keys" / f"step-{service}.pem"

    @property
    def log_key(self) -> Path:
        """The private key that signs checkpoints."""
        return self.secrets / "keys" / "log.pem"

    @property
    def signal_key(self) -> Path:
        """The private key that signs Signals."""
        return self.secrets / "keys" / "signal.pem"

    def kafka_password(self, principal: str) -> Path:
        """The SCRAM password of one Kafka principal."""
        return self.secrets / "kafka" / principal

    def postgres_password(self, role: str) -> Path:
        """The password of one PostgreSQL role."""
        return self.secrets / "postgres" / role

    def store_login(self, service: str, kind: str) -> Path:
        """The `id` or the `secret` of a service's login at the S3 server."""
        return self.secrets / "store" / f"{service}-{kind}"

    def client_secret(self, client: str) -> Path:
        """The secret of one OpenID Connect client."""
        return self.secrets / "clients" / client

    def prepare(self) -> None:
        """Make the folders, closed to everybody else."""
        folders = (
            self.folder,
            self.logs,
            self.run,
            self.secrets,
            self.kafka,
            self.trust,
            self.evidence,
            *(self.secrets / kind for kind in ("keys", "kafka", "postgres", "clients", "store")),
            *(self.evidence / service for service in ("execution", "records")),
        )
        for folder in folders:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
