"""Tables. The migration has the constraints and triggers; nothing here is ever updated."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.schema import TypedColumns
from truth_contracts.ids import EventId, RecordId, RequestId, ServiceEventId
from truth_kit.columns import id_column, instant_column, new_metadata

metadata = new_metadata()


def _of_completion(*, primary_key: bool = False, unique: bool = False) -> Column[RecordId]:
    """The Record's id, of a completion that was taken in."""
    owner = ForeignKey("truth.completion.record_id")
    return Column(Uuid, owner, primary_key=primary_key, unique=unique or None, nullable=False)


class CompletionColumns(TypedColumns):
    """Completions taken in: one for each ServiceEvent and for each request, for ever."""

    record_id: Column[RecordId] = id_column(RecordId, primary_key=True)
    request_id: Column[RequestId] = id_column(RequestId, unique=True)
    service_event_id: Column[ServiceEventId] = id_column(ServiceEventId, unique=True)
    subject: Column[bytes] = Column(LargeBinary, unique=True, nullable=False)
    operator_id: Column[str] = Column(Text, nullable=False)
    drafted_at: Column[datetime] = instant_column()


class DraftColumns(TypedColumns):
    """Records waiting to be sealed, in the order in which they came; deleted by the sealing transaction."""

    n: Column[int] = Column(BigInteger, Identity(always=True), primary_key=True)
    record_id: Column[RecordId] = _of_completion(unique=True)
    event_id: Column[EventId] = id_column(EventId)
    body: Column[bytes] = Column(LargeBinary, nullable=False)
    sha256: Column[bytes] = Column(LargeBinary, nullable=False)


class StepBodyColumns(TypedColumns):
    """The bodies behind the Record's links. May be erased."""

    record_id: Column[RecordId] = _of_completion(primary_key=True)
    step: Column[str] = Column(Text, primary_key=True)
    body: Column[bytes] = Column(LargeBinary, nullable=False)


class DisclosureColumns(TypedColumns):
    """The salted texts behind the Record's commitments. May be erased."""

    record_id: Column[RecordId] = _of_completion(primary_key=True)
    path: Column[str] = Column(Text, primary_key=True)
    body: Column[bytes] = Column(LargeBinary, nullable=False)


class EvidenceColumns(TypedColumns):
    """The evidence that a Record commits to. May be erased."""

    record_id: Column[RecordId] = _of_completion(primary_key=True)
    path: Column[str] = Column(Text, primary_key=True)
    sha256: Column[str] = Column(Text, nullable=False)
    media_type: Column[str] = Column(Text, nullable=False)
    bytes: Column[int] = Column(BigInteger, nullable=False)


class EvidenceCopyColumns(TypedColumns):
    """Evidence whose bytes are in our own store, hashed again."""

    sha256: Column[str] = Column(Text, primary_key=True)
    bytes: Column[int] = Column(BigInteger, nullable=False)
    copied_at: Column[datetime] = instant_column()


class RecordColumns(TypedColumns):
    """The log: `body` is the Record's exact text, `leaf` the hash of the entry over it."""

    idx: Column[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    kind: Column[str] = Column(Text, nullable=False, server_default=text("'record'"))
    record_id: Column[RecordId] = id_column(RecordId, unique=True)
    subject: Column[bytes] = Column(LargeBinary, nullable=False)
    body: Column[bytes] = Column(LargeBinary, nullable=False)
    leaf: Column[bytes] = Column(LargeBinary, nullable=False)


class TileColumns(TypedColumns):
    """Full tiles only; a partial one is always read from what lies below it."""

    level: Column[int] = Column(SmallInteger, primary_key=True, autoincrement=False)
    n: Column[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Column[bytes] = Column(LargeBinary, nullable=False)
    root: Column[bytes] = Column(LargeBinary, nullable=False)


class CheckpointColumns(TypedColumns):
    """The log's signed heads."""

    size: Column[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    root: Column[bytes] = Column(LargeBinary, nullable=False)
    note: Column[str] = Column(Text, nullable=False)
    signed_at: Column[datetime] = instant_column()


class AuditColumns(TypedColumns):
    """What audits found; `findings` is empty when all was well, else one a line."""

    id: Column[int] = Column(BigInteger, Identity(always=True), primary_key=True)
    at: Column[datetime] = Column(DateTime(timezone=True), nullable=False)
    from_size: Column[int] = Column(BigInteger, nullable=False)
    to_size: Column[int] = Column(BigInteger, nullable=False)
    root: Column[bytes | None] = Column(LargeBinary, nullable=True)
    outside_size: Column[int | None] = Column(BigInteger, nullable=True)
    findings: Column[str] = Column(Text, nullable=False)


completion = Table("completion", metadata, CompletionColumns)
draft = Table("draft", metadata, DraftColumns)
step_body = Table("step_body", metadata, StepBodyColumns)
disclosure = Table("disclosure", metadata, DisclosureColumns)
evidence = Table("evidence", metadata, EvidenceColumns)
evidence_copy = Table("evidence_copy", metadata, EvidenceCopyColumns)
record = Table("record", metadata, RecordColumns)
Index(
    "record_one_for_each_completion",
    record.c.subject,
    unique=True,
    postgresql_where=text("kind = 'record'"),
)
tile = Table("tile", metadata, TileColumns)
checkpoint = Table("checkpoint", metadata, CheckpointColumns)
audit = Table("audit", metadata, AuditColumns)
