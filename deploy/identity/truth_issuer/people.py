"""Who can sign in locally, in every role, and the machine clients."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Account:
    """A person or a machine. Locally the subject is the short name; elsewhere it is an opaque id."""

    subject: str
    name: str
    roles: tuple[str, ...]
    kind: Literal["person", "machine"]

    @property
    def claims(self) -> dict[str, object]:
        """What every token about this account says."""
        return {"sub": self.subject, "name": self.name, "roles": list(self.roles), "kind": self.kind}


PEOPLE = {
    account.subject: account
    for account in (
        Account("ada", "Ada Abel", ("admin",), "person"),
        Account("amir", "Amir Azadi", ("admin",), "person"),
        Account("olga", "Olga Orlova", ("operator",), "person"),
        Account("otto", "Otto Oehler", ("operator",), "person"),
        Account("rita", "Rita Ramos", ("requester",), "person"),
        Account("paul", "Paul Petit", ("ops",), "person"),
        Account("vera", "Vera Valli", ("auditor",), "person"),
    )
}
MACHINES = {
    account.subject: account
    for account in (
        Account("acme", "Acme (upstream)", ("requester",), "machine"),
        Account("console", "Console", ("auditor",), "machine"),
    )
}
ACCOUNTS = PEOPLE | MACHINES
