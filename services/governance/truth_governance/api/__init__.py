"""HTTP in: one function per command or query."""

from fastapi import APIRouter

from truth_governance.api import create_job, operators, review, tasks

router = APIRouter()
for part in (tasks, review, create_job, operators):
    router.include_router(part.router)
