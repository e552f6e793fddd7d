"""The form as a person fills and sends it, and what is then in the database."""

import re
from typing import Any

import httpx
from sqlalchemy import text
from truth_kit.database import Database

KITCHEN = "/request/kitchen-repairs"


def filled(page: str, **changes: str) -> dict[str, str]:
    """The form as a person sends it: its hidden fields, and something in the visible ones."""
    hidden = dict(re.findall(r'<input type="hidden" name="(once|token)" value="([^"]+)">', page))
    assert set(hidden) == {"once", "token"}
    typed = {"summary": "Tap drips", "description": "All night.", "requester.name": "Rita Ramos"}
    return hidden | typed | changes


async def send(
    browser: httpx.AsyncClient, path: str = KITCHEN, **changes: str
) -> tuple[dict[str, str], httpx.Response]:
    form = filled((await browser.get(path)).text, **changes)
    return form, await browser.post(path, data=form)


async def request_id_of(database: Database) -> Any:
    async with database.connect() as conn:
        return (await conn.execute(text("SELECT request_id FROM truth.intake"))).scalar_one()


async def count(database: Database) -> int:
    async with database.connect() as conn:
        return (await conn.execute(text("SELECT count(*) FROM truth.intake"))).scalar_one()
