"""HTTP in: `/api/ops/flow`, `…/trace/{ref}`, `…/invariants` and `/metrics`, the same in all five."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from truth_contracts.manifest import Manifest
from truth_contracts.ops import Flow, Invariants, Trace
from truth_contracts.refusals import Refusal

from truth_kit.auth import Actor, require
from truth_kit.database import DatabaseDependency
from truth_kit.fresh import utc_now
from truth_kit.metrics import Metrics
from truth_kit.ops import asking
from truth_kit.ops.exposition import CONTENT_TYPE, exposition
from truth_kit.ops.flow import Standing, tell
from truth_kit.ops.lookout import Lookout
from truth_kit.problems import Refused

Looker = Annotated[Actor, Depends(require("ops", "auditor"))]
"""Ops, auditors, and machines that watch."""


def router(manifest: Manifest, standing: Standing, lookout: Lookout, metrics: Metrics) -> APIRouter:
    """The routes of a service that says `manifest` of itself."""
    ops = APIRouter(tags=["ops"])

    @ops.get("/api/ops/flow")
    async def tell_flow(_: Looker) -> Flow:
        """Where work waits here, for how long, and what fails."""
        return await tell(manifest, standing, lookout)

    @ops.get("/api/ops/trace/{ref}")
    async def trace_request(ref: UUID, _: Looker, database: DatabaseDependency) -> Trace:
        """One request's steps here; `ref` is its id, or any other that this service knows it by.

        A request that is not known here but waits in the outbox or was refused is told all the same.
        """
        async with database.connect() as conn:
            request_id = await asking.find_request(conn, lookout.ops, ref) or ref
            steps = await asking.list_steps(conn, lookout.ops, request_id)
            unsent = await asking.list_unsent(conn, request_id)
            letters = await asking.list_open_letters(conn, request_id)
        if not (steps or unsent or letters):
            raise Refused(Refusal("request_unknown", f"Nothing is known here of {ref}."))
        return Trace(
            service=manifest.name,
            request_id=request_id,
            at=utc_now(),
            steps=steps,
            unsent=unsent,
            dead_letters=letters,
        )

    @ops.get("/api/ops/invariants")
    async def count_invariants(_: Looker) -> Invariants:
        """Each promise with the number of its violations, counted now."""
        return Invariants(service=manifest.name, invariants=await lookout.judge())

    @ops.get("/metrics", include_in_schema=False)
    async def tell_metrics() -> Response:
        """For Prometheus. Open like /health: counts and codes, no ids and nothing that anybody wrote."""
        flow = await tell(manifest, standing, lookout)
        return Response(exposition(metrics, flow, lookout.judged), media_type=CONTENT_TYPE)

    return ops
