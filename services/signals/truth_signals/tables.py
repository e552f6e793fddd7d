"""Tables. Rows are only ever added: the migration has the triggers that say so."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, Text
from sqlalchemy.schema import TypedColumns
from truth_contracts.ids import RecordId, RequestId, SignalId
from truth_kit.columns import id_column, instant_column, new_metadata

metadata = new_metadata()


class DecisionColumns(TypedColumns):
    """What a version of a policy said of a Record. `rules` and `reasons` are JSON arrays, as text."""

    event_id: Column[UUID] = id_column(UUID)  # of the RecordSealed
    record_id: Column[RecordId] = id_column(RecordId, primary_key=True)
    request_id: Column[RequestId] = id_column(RequestId)
    record_sha256: Column[str] = Column(Text, nullable=False)
    policy_name: Column[str] = Column(Text, primary_key=True)
    policy_version: Column[str] = Column(Text, primary_key=True)
    policy_sha256: Column[str] = Column(Text, nullable=False)
    rules: Column[str] = Column(Text, nullable=False)
    reasons: Column[str] = Column(Text, nullable=False)
    decided_at: Column[datetime] = instant_column()


class SignalColumns(TypedColumns):
    """An emitted Signal: one for a Record, for ever."""

    signal_id: Column[SignalId] = id_column(SignalId, primary_key=True)
    record_id: Column[RecordId] = id_column(RecordId, unique=True)
    policy_name: Column[str] = Column(Text, nullable=False)
    policy_version: Column[str] = Column(Text, nullable=False)
    envelope: Column[str] = Column(Text, nullable=False)
    emitted_at: Column[datetime] = instant_column()


decision = Table("decision", metadata, DecisionColumns)
Index("decision_request", decision.c.request_id)
signal = Table(
    "signal",
    metadata,
    SignalColumns,
    ForeignKeyConstraint(
        ["record_id", "policy_name", "policy_version"],
        ["truth.decision.record_id", "truth.decision.policy_name", "truth.decision.policy_version"],
    ),
)
