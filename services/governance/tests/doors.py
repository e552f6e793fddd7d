"""Governance's HTTP side in the tests, and who knocks at it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from truth_governance import api
from truth_governance.app import pages
from truth_governance.consumer import routes
from truth_governance.domain.proof import ProofPolicy
from truth_kit.connections import HttpServer, KafkaConnection, SignIn
from truth_kit.database import Database
from truth_kit.fresh import utc_now
from truth_kit.lifecycle import Service
from truth_kit.subscribe import decide
from truth_kit.testing import arrival, cookie
from truth_local.system import System

from services.governance.tests.authenticators import Authenticator
from services.governance.tests.making import (
    GOVERNANCE,
    KEYS,
    PROVING,
    intake_accepted,
    request_body,
)

Answer = dict[str, Any]


def service(database: Database, system: System, policy: ProofPolicy = "optional") -> Service:
    sign_in = SignIn(client_id="governance", client_secret_file=system.layout.client_secret("governance"))
    return Service(
        name="governance",
        version="0",
        http=HttpServer(port=0, public_url="http://localhost"),
        database=database.connection,
        kafka=KafkaConnection(bootstrap="nowhere:1", username="governance", password_file=Path("none")),
        issuer=system.issuer,
        routes=routes(KEYS),
        routers=(api.router,),
        state={"signer": GOVERNANCE, "proving": replace(PROVING, policy=policy)},
        pages=pages(sign_in, {"execution": "http://localhost:1"}),
    )


class Door:
    """Governance's HTTP side, and everybody who may knock."""

    def __init__(self, app: FastAPI, system: System, database: Database) -> None:
        self.app = app
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://truth")
        self._system, self._database, self._offset = system, database, 0
        self._browsers: list[httpx.AsyncClient] = []
        self.tokens: dict[str, str] = {}  # of those who come with another than a fresh one

    async def ask(
        self, who: str, method: str, path: str, body: object = None, *, content: bytes | None = None
    ) -> httpx.Response:
        """The answer to somebody's request, its body as JSON or as it is."""
        token = who and (self.tokens.get(who) or self._system.token(who))
        headers = {"authorization": f"Bearer {token}"} if who else {}
        headers |= {"content-type": "application/json"} if content else {}
        return await self._http.request(method, path, json=body, content=content, headers=headers)

    async def done(self, who: str, method: str, path: str, body: object = None) -> Answer:
        """The answer, which must be a success."""
        answer = await self.ask(who, method, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def consume(self, event: Any) -> None:
        """An event from Kafka."""
        self._offset += 1
        arrived_now = [arrival(event, offset=self._offset)]
        await decide(self._database, "governance", routes(KEYS), arrived_now, utc_now())

    async def open(self, **changes: Any) -> Answer:
        """A new Task, by an Intake of just now."""
        accepted = intake_accepted(request_body(at=utc_now(), **changes))
        await self.consume(accepted)
        found = await self.done("vera", "GET", f"/api/tasks?request_id={accepted.request_id}")
        (task,) = found["tasks"]
        return task

    async def command(self, who: str, task: Answer, name: str, **members: Any) -> httpx.Response:
        """A command about the Task as `task` shows it."""
        body = {"version": task["version"], **members}
        return await self.ask(who, "POST", f"/api/tasks/{task['task_id']}/{name}", body)

    async def assigned(self, operator: str = "olga", **changes: Any) -> Answer:
        """A Task approved by Amir and assigned to an operator."""
        await self.done(
            "ada", "PUT", f"/api/operators/{operator}", {"name": operator.title(), "active": True}
        )
        task = await self.open(**changes)
        task = (await self.command("amir", task, "approve")).json()
        return (await self.command("ada", task, "assign", operator_id=operator)).json()

    async def prepare(self, who: str, task: Answer) -> Answer:
        """The frozen Job."""
        answer = await self.command(who, task, "job/prepare")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create(
        self, who: str, task: Answer, digest: str, assertion: Answer | None = None
    ) -> httpx.Response:
        """Create Job."""
        body = {"digest": digest} if assertion is None else {"digest": digest, "assertion": assertion}
        return await self.ask(who, "POST", f"/api/tasks/{task['task_id']}/job", body)

    async def register(self, who: str, authenticator: Authenticator, name: str = "My phone") -> Answer:
        """A new passkey of somebody who has just signed in."""
        invited = await self.done(who, "POST", "/api/passkeys/options")
        credential = authenticator.register(invited["options"])
        return await self.done(who, "POST", "/api/passkeys", {"name": name, "credential": credential})

    def browser(self, subject: str, *roles: str) -> httpx.AsyncClient:
        """What a browser is to the server: a session's cookie, and the headers of own pages' forms."""
        browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://localhost",
            headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
            cookies=cookie(self.app, subject, *roles),
        )
        self._browsers.append(browser)
        return browser

    async def close(self) -> None:
        """Hang up."""
        for client in (self._http, *self._browsers):
            await client.aclose()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
