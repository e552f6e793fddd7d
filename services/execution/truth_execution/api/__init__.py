"""HTTP in: one function per command or query."""

from fastapi import APIRouter

from truth_execution.api import commands, desk, evidence

router = APIRouter()
for part in (desk, commands, evidence):
    router.include_router(part.router)
