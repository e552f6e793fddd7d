"""One service's database in memory, as PostgreSQL behaves at READ COMMITTED: locks, unique keys, a sequence.

The kit's own `decide`, `inbox`, `outbox` and `dead_letters` run on it unchanged: it knows their four
statements by identity. Everything else reads and writes tables by key.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.envelope import Message
from truth_kit import inbox, outbox
from truth_kit.database import Database
from truth_kit.dead_letters import letters
from truth_kit.outbox import unpack_headers

from tests.faults.simulation.scheduler import AwayError, step, until

_LIST_DECIDED = vars(importlib.import_module("truth_kit.subscribe.decide"))["_LIST_DECIDED"]
_ADD_INBOX, _ADD_OUTBOX, _RECORD = (vars(inbox)["_ADD"], vars(outbox)["_ADD"], vars(letters)["_RECORD"])

INBOX, DEAD_LETTER = "inbox", "dead_letter"


class ConflictError(AwayError):
    """A unique key is taken: the transaction is over."""


@dataclass(slots=True)
class Store:
    """What is committed, and who holds what."""

    service: str
    planted: frozenset[str] = frozenset()
    publish: "Callable[[Message], None] | None" = None
    """What a planted bug tells with before it commits."""
    tables: dict[str, dict[Any, Any]] = field(default_factory=dict[str, dict[Any, Any]])
    holders: "dict[tuple[str, Any], Tx]" = field(default_factory=dict)
    sessions: dict[str, object] = field(default_factory=dict[str, object])
    """Session locks: relay and sealer."""
    outbox: dict[int, Message] = field(default_factory=dict[int, Message])
    sequence: int = 0
    ever: dict[int, Message] = field(default_factory=dict[int, Message])
    """All that was ever committed to the outbox, in the order of its ids."""
    taken: dict[int, object] = field(default_factory=dict[int, object])
    """Outbox rows that a relay has locked: only a planted one looks at that."""
    told: dict[int, int] = field(default_factory=dict[int, int])
    """The outbox id of each message, by its identity."""

    def table(self, name: str) -> dict[Any, Any]:
        """Committed rows by key."""
        return self.tables.setdefault(name, {})

    def let_go(self, process: object) -> None:
        """Unlock the outbox rows of a process."""
        self.taken = {number: holder for number, holder in self.taken.items() if holder is not process}

    def begin(self) -> "Begun":
        """One transaction."""
        return Begun(Tx(self))

    def as_database(self) -> Database:
        """What the kit's functions take it for."""
        return cast("Database", self)


@dataclass(slots=True, eq=False)
class Tx:
    """One transaction: it sees what is committed and its own writes."""

    store: Store
    writes: dict[tuple[str, Any], Any] = field(default_factory=dict[tuple[str, Any], Any])
    messages: dict[int, Message] = field(default_factory=dict[int, Message])
    info: dict[str, object] = field(default_factory=dict[str, object])
    is_open: bool = True
    has_looked: bool = False  # into the inbox

    def as_connection(self) -> AsyncConnection:
        """What the kit's functions take it for."""
        return cast("AsyncConnection", self)

    def get(self, table: str, key: Any) -> Any:
        """A row as this transaction sees it; None if there is none."""
        written = self.writes.get((table, key))
        return written if written is not None else self.store.table(table).get(key)

    async def lock(self, table: str, key: Any) -> Any:
        """The row as it is once nobody else holds it; it is held until the end."""
        holders = self.store.holders
        await until(lambda: holders.get((table, key), self) is self)
        if not self.is_open:
            raise AwayError("the transaction is over")
        holders[table, key] = self
        return self.get(table, key)

    async def insert(self, table: str, key: Any, value: Any) -> bool:
        """Insert unless the key is there: waits for a concurrent twin, and gives way if that committed."""
        if await self.lock(table, key) is not None:
            return False
        self.set(table, key, value)
        return True

    def set(self, table: str, key: Any, value: Any) -> None:
        """Write a row whose key is held."""
        self.writes[table, key] = value

    async def execute(self, statement: object, given: Mapping[str, Sequence[Any]]) -> "Rows":
        """One of the kit's four statements."""
        await step()
        if statement is _LIST_DECIDED:
            rows = Rows([] if self._is_hasty() else self._list_decided(given))
            self.has_looked = True
            await step()  # what a handler reads, it reads later, and others may commit in between
            return rows
        if statement is _ADD_INBOX:
            keys = list(zip(given["source"], given["event_id"], strict=True))
            if "inbox outside the transaction" in self.store.planted:
                self.store.table(INBOX).update(dict.fromkeys(keys, True))
                return Rows(keys)
            return Rows([key for key in keys if await self.insert(INBOX, key, True) or self._is_careless()])
        if statement is _RECORD:
            keys = list(zip(given["topic"], given["partition"], given["offset"], strict=True))
            codes = dict(zip(keys, given["code"], strict=True))
            return Rows([key for key in keys if await self.insert(DEAD_LETTER, key, codes[key])])
        if statement is _ADD_OUTBOX:
            self._add(given)
            return Rows([])
        raise NotImplementedError(str(statement))

    def commit(self) -> None:
        """All of it at once."""
        if not self.is_open:
            raise AwayError("the transaction is over")
        for (table, key), value in self.writes.items():
            self.store.table(table)[key] = value
        self.store.outbox |= self.messages
        self.store.ever |= self.messages
        self.store.told |= {id(message): number for number, message in self.messages.items()}
        self.end()

    def end(self) -> None:
        """Let go of everything; what is not committed never was."""
        self.is_open = False
        for key in [key for key, holder in self.store.holders.items() if holder is self]:
            del self.store.holders[key]

    def tell(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox; their numbers are drawn now and not at the commit."""
        for message in messages:
            self.store.sequence += 1
            if "published before the commit" in self.store.planted and self.store.publish:
                self.store.publish(message)
                continue
            self.messages[self.store.sequence] = message

    def _is_careless(self) -> bool:
        return "no inbox" in self.store.planted

    def _is_hasty(self) -> bool:
        return self.has_looked and "refused without a second look" in self.store.planted

    def _add(self, given: Mapping[str, Sequence[Any]]) -> None:
        columns = (given[name] for name in ("topic", "key", "value", "headers"))
        self.tell([Message(t, k, v, unpack_headers(h)) for t, k, v, h in zip(*columns, strict=True)])

    def _list_decided(self, given: Mapping[str, Sequence[Any]]) -> list[tuple[str, int, int]]:
        acted_on, dead = self.store.table(INBOX), self.store.table(DEAD_LETTER)
        acted_on = {} if self._is_careless() else acted_on
        names = ("topics", "partitions", "offsets", "sources", "event_ids")
        rows = zip(*(given[name] for name in names), strict=True)
        return [
            (topic, partition, offset)
            for topic, partition, offset, source, event_id in rows
            if (source, event_id) in acted_on or (topic, partition, offset) in dead
        ]


class Rows(list[Any]):
    """What a statement returned."""

    def all(self) -> "Rows":
        """All of it."""
        return self


class Begun:
    """`async with store.begin() as tx`: before the commit and after it anything may happen."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def __aenter__(self) -> Any:
        return self._tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await step()
                self._tx.commit()
                await step()  # durable, and nobody knows yet
        finally:
            self._tx.end()
