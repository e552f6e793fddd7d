"""Tables. The migration holds their constraints; only the projection's rows ever change."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy import cast as cast_sql
from sqlalchemy.schema import TypedColumns
from truth_contracts.ids import EventId, RequestId
from truth_contracts.steps import Maturity
from truth_kit.columns import id_column, instant_column, new_metadata

from truth_intake.domain.submission import Door
from truth_intake.domain.tracker import SeenStep

metadata = new_metadata()


def _of_intake() -> Column[RequestId]:
    """The request's id, of an Intake that exists."""
    owner = ForeignKey("truth.intake.request_id")
    return cast("Column[RequestId]", Column(Uuid, owner, primary_key=True, nullable=False))


def reference_of(request_id: ColumnElement[RequestId]) -> ColumnElement[str]:
    """The last eight digits of an id, which people say to each other."""
    return func.right(cast_sql(request_id, Text), 8)


class SurfaceColumns(TypedColumns):
    """Every version of every surface; the highest is in force. `stages` is canonical JSON."""

    name: Column[str] = Column(Text, primary_key=True)
    version: Column[int] = Column(Integer, primary_key=True, autoincrement=False)
    title: Column[str] = Column(Text, nullable=False)
    maturity: Column[Maturity] = cast("Column[Maturity]", Column(Text, nullable=False))
    stages: Column[str] = Column(Text, nullable=False)
    registered_at: Column[datetime] = instant_column()
    registered_by: Column[str] = Column(Text, nullable=False)


class IntakeColumns(TypedColumns):
    """One Intake for each source and request key, with the surface's version that was in force."""

    request_id: Column[RequestId] = id_column(RequestId, primary_key=True)
    source: Column[str] = Column(Text, nullable=False)
    request_key: Column[str] = Column(Text, nullable=False)
    received_event_id: Column[str] = Column(Text, nullable=False)
    content_sha256: Column[str] = Column(Text, nullable=False)
    event_id: Column[EventId] = id_column(EventId, unique=True)
    door: Column[Door] = cast("Column[Door]", Column(Text, nullable=False))
    actor: Column[str] = Column(Text, nullable=False)
    surface: Column[str] = Column(Text, nullable=False)
    surface_version: Column[int] = Column(Integer, nullable=False)
    maturity: Column[Maturity] = cast("Column[Maturity]", Column(Text, nullable=False))
    received_at: Column[datetime] = instant_column()
    accepted_at: Column[datetime] = instant_column()
    kafka_partition: Column[int | None] = cast("Column[int | None]", Column(Integer, nullable=True))
    kafka_offset: Column[int | None] = cast("Column[int | None]", Column(BigInteger, nullable=True))
    tracker_sha256: Column[bytes | None] = Column(LargeBinary, nullable=True, unique=True)


class StepColumns(TypedColumns):
    """The two sealed steps: a body's exact canonical text, and its signed link as JSON."""

    request_id: Column[RequestId] = _of_intake()
    step: Column[str] = Column(Text, primary_key=True)
    body: Column[bytes] = Column(LargeBinary, nullable=False)
    link: Column[str] = Column(Text, nullable=False)


class ProjectionColumns(TypedColumns):
    """The latest that was told of steps which other services own. Not a step of the path."""

    request_id: Column[RequestId] = id_column(RequestId, primary_key=True)
    step: Column[SeenStep] = cast("Column[SeenStep]", Column(Text, primary_key=True))
    id: Column[UUID] = id_column(UUID)
    version: Column[int] = Column(BigInteger, nullable=False)
    state: Column[str] = Column(Text, nullable=False)
    at: Column[datetime] = instant_column()
    message: Column[str | None] = cast("Column[str | None]", Column(Text, nullable=True))


class AnswerColumns(TypedColumns):
    """The requester's answers, one for each version of a question."""

    request_id: Column[RequestId] = _of_intake()
    question_version: Column[int] = Column(BigInteger, primary_key=True, autoincrement=False)
    answer: Column[str] = Column(Text, nullable=False)
    event_id: Column[EventId] = id_column(EventId, unique=True)
    at: Column[datetime] = instant_column()
    actor: Column[str] = Column(Text, nullable=False)


surface = Table("surface", metadata, SurfaceColumns, UniqueConstraint("name", "version", "maturity"))
intake = Table(
    "intake",
    metadata,
    IntakeColumns,
    UniqueConstraint("source", "request_key"),
    UniqueConstraint("source", "received_event_id"),
    ForeignKeyConstraint(
        ("surface", "surface_version", "maturity"),
        ("truth.surface.name", "truth.surface.version", "truth.surface.maturity"),
    ),
)
Index("intake_request_key", intake.c.request_key)
Index("intake_actor", intake.c.actor, intake.c.request_id)
Index("intake_reference", reference_of(intake.c.request_id))
step = Table("step", metadata, StepColumns)
projection = Table("projection", metadata, ProjectionColumns)
answer = Table("answer", metadata, AnswerColumns)
