"""HTTP in: how drafts, log and audits are doing."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from truth_kit.auth import require
from truth_kit.database import DatabaseDependency

from truth_records.evidence import Copier
from truth_records.sealer import Sealer
from truth_records.store import audits, drafts, log

router = APIRouter(tags=["operations"])


class DraftsView(BaseModel, frozen=True):
    """Records not sealed yet."""

    ready: int
    waiting_for_evidence: int
    oldest_at: datetime | None
    changed: int
    """Refused by the sealer, since they are not what they were when written."""


class LackingView(BaseModel, frozen=True):
    """Evidence that this replica tried to copy in vain."""

    sha256: str
    reason: str
    attempts: int


class LogView(BaseModel, frozen=True):
    """The log's newest head, and what this replica's sealer is doing."""

    origin: str
    size: int
    signed_at: datetime | None
    sealer: str


class AuditView(BaseModel, frozen=True):
    """The last audit; findings are empty when all was well."""

    at: datetime
    from_size: int
    to_size: int
    outside_size: int | None
    findings: list[str]


class LogStandingView(BaseModel, frozen=True):
    """What waits here, how far the log is, and what the last audit found."""

    drafts: DraftsView
    evidence: list[LackingView]
    log: LogView
    audit: AuditView | None


async def _sealer(request: Request) -> Sealer:
    sealer: Sealer = request.app.state.sealer
    return sealer


async def _copier(request: Request) -> Copier:
    copier: Copier = request.app.state.copier
    return copier


@router.get("/api/ops/log", dependencies=[Depends(require("ops", "auditor", "admin"))])
async def find_log_standing(
    database: DatabaseDependency,
    sealer: Annotated[Sealer, Depends(_sealer)],
    copier: Annotated[Copier, Depends(_copier)],
) -> LogStandingView:
    """What waits here, and why."""
    async with database.connect() as conn:
        queue = await drafts.find_queue(conn)
        head = await log.find_head(conn)
        last = await audits.find_last(conn, clean_only=False)
    lacking = [
        LackingView(sha256=sha256, reason=waits.reason, attempts=waits.attempts)
        for sha256, waits in copier.waiting.items()
    ]
    return LogStandingView(
        drafts=DraftsView(
            ready=queue.ready,
            waiting_for_evidence=queue.waiting,
            oldest_at=queue.oldest_at,
            changed=len(sealer.changed),
        ),
        evidence=lacking,
        log=LogView(
            origin=sealer.key.origin,
            size=head.size if head else 0,
            signed_at=head.signed_at if head else None,
            sealer=sealer.doing,
        ),
        audit=_audit(last),
    )


def _audit(last: audits.AuditResult | None) -> AuditView | None:
    if last is None:
        return None
    return AuditView(
        at=last.at,
        from_size=last.from_size,
        to_size=last.to_size,
        outside_size=last.outside_size,
        findings=last.findings.split("\n") if last.findings else [],
    )
