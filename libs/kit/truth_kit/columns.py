"""Typed columns of the schema `truth`, and inserts that take one array per column."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, cast
from uuid import UUID

from sqlalchemy import ARRAY, Column, DateTime, MetaData, Table, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import Insert, insert

IdT = TypeVar("IdT")
Kind: TypeAlias = type[IdT] | Callable[[UUID], IdT]
"""UUID, or a NewType over it."""


def new_metadata() -> MetaData:
    """Metadata for one service's tables, all of them in the schema `truth`."""
    return MetaData(schema="truth")


def id_column(
    kind: Kind[IdT],  # noqa: ARG001 for the type checker
    *,
    primary_key: bool = False,
    unique: bool = False,
) -> Column[IdT]:
    """A uuid that is always there, typed as `kind` (JobId, say)."""
    return cast("Column[IdT]", Column(Uuid, primary_key=primary_key, unique=unique or None, nullable=False))


def optional_id_column(
    kind: Kind[IdT],  # noqa: ARG001 for the type checker
    *,
    unique: bool = False,
) -> Column[IdT | None]:
    """A uuid that may be absent, typed as `kind`."""
    return cast("Column[IdT | None]", Column(Uuid, unique=unique or None, nullable=True))


def instant_column() -> Column[datetime]:
    """A point in time that is always there: aware, UTC."""
    return Column(DateTime(timezone=True), nullable=False)


def optional_instant_column() -> Column[datetime | None]:
    """A point in time that may be absent: aware, UTC."""
    return cast("Column[datetime | None]", Column(DateTime(timezone=True), nullable=True))


def insert_arrays(table: Table, *names: str) -> Insert:
    """INSERT … SELECT unnest(:name), …: any number of rows in one statement of one shape.

    Execute with `{name: [value, …]}` for each of `names` (default: all columns), arrays of equal length.
    Not for columns that are arrays themselves: unnest would flatten them.
    """
    chosen = names or tuple(table.c.keys())
    arrays = [func.unnest(bindparam(name, type_=ARRAY(cast("Any", table.c[name].type)))) for name in chosen]
    return insert(table).from_select(chosen, select(*arrays))
