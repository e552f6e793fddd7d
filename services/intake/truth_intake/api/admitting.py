"""The command to submit a request, for every HTTP door."""

import hashlib
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection
from truth_contracts.ids import RequestId
from truth_contracts.refusals import Refusal
from truth_kit import outbox
from truth_kit.fresh import new_id, new_salt
from truth_kit.problems import Refused
from truth_sealing.keys import Signer

from truth_intake.domain.intake import Accepted, Fresh, Known, KnownIntakes, Repeated, accept, seal
from truth_intake.domain.submission import Submission
from truth_intake.store import intakes, surfaces


async def _signer(request: Request) -> Signer:
    signer: Signer = request.app.state.signer
    return signer


StepSigner = Annotated[Signer, Depends(_signer)]


async def admit(tx: AsyncConnection, submission: Submission, token: str, signer: Signer) -> Known | Repeated:
    """Accept in this transaction and tell governance, or meet the Intake that is there; raises Refused.

    Decides twice when a twin was faster: then its Intake is there and is met. If still none is, the tracker's
    token is another Intake's: `request_key_reused`.
    """
    fresh = Fresh(RequestId(new_id()), new_salt(), new_salt(), submission.received_at)
    for _ in range(2):
        named = await surfaces.find_surfaces(tx, [submission.submitted.surface])
        known = KnownIntakes(await intakes.list_known(tx, [submission]))
        standing = known.standing(submission, named.get(submission.submitted.surface))
        match accept(submission, standing, fresh):
            case Accepted() as accepted:
                sealed = seal(accepted, signer, hashlib.sha256(token.encode()).digest())
                if await intakes.insert_intakes(tx, [sealed]):
                    await outbox.add(tx, [sealed.event])
                    return accepted.known
            case Repeated() as repeated:
                return repeated
            case Refusal() as refusal:
                raise Refused(refusal)
    detail = "This form's tracker belongs to another request. Send the form again."
    raise Refused(Refusal("request_key_reused", detail, "token"))
