"""A person's own passkeys: shown, registered, revoked, after a fresh sign-in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from truth_contracts.refusals import Refusal
from truth_kit.auth import Actor
from truth_kit.database import Database, DatabaseDependency
from truth_kit.pages import Frame, FrameDependency, signed_in, signed_in_lately, typed_in
from truth_kit.problems import STATUSES, Refused

from truth_governance.api import passkeys as api
from truth_governance.api.commanding import ProvingDependency
from truth_governance.domain.credentials import Attestation
from truth_governance.domain.passkey import SIGNED_IN_WITHIN, PasskeyId, RegisterPasskey

router = APIRouter(include_in_schema=False)
_ROLES = ("admin", "operator")
Lately = Annotated[Actor, Depends(signed_in_lately(int(SIGNED_IN_WITHIN.total_seconds()), *_ROLES))]
Owner = Annotated[Actor, Depends(signed_in(*_ROLES))]


@router.get("/passkeys")
async def show_passkeys(
    request: Request, owner: Lately, database: DatabaseDependency, frame: FrameDependency
) -> Response:
    """All of one's own, the revoked ones too."""
    return await _page(request, owner, database, frame)


@router.post("/passkeys/options")
async def begin(owner: Owner, database: DatabaseDependency, proving: ProvingDependency) -> api.Invited:
    """What the browser needs to have a key made; for the page's script."""
    return await api.invite_passkey(owner, database, proving)


@router.post("/passkeys")
async def register(
    request: Request,
    owner: Owner,
    database: DatabaseDependency,
    frame: FrameDependency,
    proving: ProvingDependency,
) -> Response:
    """Take the new key that the page's script had made."""
    typed = await typed_in(request)
    try:
        credential = Attestation.model_validate_json(typed["credential"])
        command = RegisterPasskey(name=typed["name"], credential=credential)
        await api.register_passkey(command, owner, database, proving)
    except ValidationError:
        refusal = Refusal("body_malformed", "Give the passkey a name, and let your browser make one.")
        return await _page(request, owner, database, frame, refusal)
    except Refused as refused:
        return await _page(request, owner, database, frame, refused.refusal)
    return RedirectResponse("/passkeys", 303)


@router.post("/passkeys/{passkey_id}/revoke")
async def revoke(passkey_id: PasskeyId, owner: Owner, database: DatabaseDependency) -> Response:
    """Never take this passkey again."""
    await api.revoke_passkey(passkey_id, owner, database)
    return RedirectResponse("/passkeys", 303)


async def _page(
    request: Request, owner: Actor, database: Database, frame: Frame, refusal: Refusal | None = None
) -> Response:
    found = await api.list_passkeys(owner, database)
    status = 200 if refusal is None else STATUSES[refusal.code]
    return frame.show(request, "passkeys.html", status=status, passkeys=found.passkeys, refusal=refusal)
