"""Operators by HTTP: an admin registers them; there is no way to delete one."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel
from truth_contracts.base import Contract, Instant, Subject, text
from truth_kit.auth import Actor, require
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import utc_now

from truth_governance.api.commanding import Admin
from truth_governance.domain.assignment import Operator
from truth_governance.store import operators

log = structlog.get_logger()
router = APIRouter(prefix="/api/operators", tags=["operators"])

Reader = Annotated[Actor, Depends(require("admin", "operator", "auditor", "ops"))]


class Registration(Contract, frozen=True):
    """An operator's name for people, and whether Tasks may be assigned to them."""

    name: Annotated[str, text(longest=200, shortest=1)]
    active: bool


class OperatorShown(BaseModel):
    """A registered operator."""

    subject: Subject
    name: str
    active: bool
    changed_by: str
    changed_at: Instant


class Operators(BaseModel):
    """All registered operators, by name."""

    operators: list[OperatorShown]


@router.put("/{subject}")
async def set_operator(
    subject: Subject, registration: Registration, actor: Admin, database: DatabaseDependency
) -> OperatorShown:
    """Register an operator, or change one. Durable when this answers."""
    operator = Operator(subject, registration.name, registration.active, actor.reference, utc_now())
    async with database.begin() as tx:
        await operators.set_operator(tx, operator)
    log.info("operator.registered", operator_id=subject, is_active=operator.is_active)
    return _shown(operator)


@router.get("")
async def list_operators(reader: Reader, database: DatabaseDependency) -> Operators:  # noqa: ARG001 who may
    """Everybody who is or was an operator."""
    async with database.connect() as conn:
        return Operators(operators=[_shown(operator) for operator in await operators.list_operators(conn)])


def _shown(operator: Operator) -> OperatorShown:
    return OperatorShown(
        subject=operator.subject,
        name=operator.name,
        active=operator.is_active,
        changed_by=operator.changed_by,
        changed_at=operator.changed_at,
    )
