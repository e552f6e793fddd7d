"""HTTP in: one function per command or query."""

from fastapi import APIRouter

from truth_governance.api import create_job, operators, passkeys, review, tasks

router = APIRouter()
for part in (tasks, review, create_job, operators, passkeys):
    router.include_router(part.router)
