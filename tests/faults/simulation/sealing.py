"""Records' two tasks beside its consumer: the copier of evidence and the sealer, with the real log."""

from typing import TYPE_CHECKING

from truth_records.domain.log import ReadyDraft, StoredEdge, restore, seal
from truth_records.domain.record import Draft
from truth_records.domain.telling import messages
from truth_sealing.edge import Edge

from tests.faults.simulation.fixed import LOG_KEY, NOW, once
from tests.faults.simulation.hop import SEALER, Process
from tests.faults.simulation.scheduler import AwayError, step, until
from tests.faults.simulation.store import ConflictError, Store

if TYPE_CHECKING:
    from tests.faults.simulation.world import World


async def copy_evidence(world: "World", process: Process) -> None:
    """Note, for each draft that lacks it, that its evidence is in our own store."""
    store = world.stores[process.service]
    copied = store.table("copy")
    while True:
        await until(lambda: any(not _is_ready(store, draft) for draft in store.table("draft").values()))
        lacking = [
            (draft.record_id, piece.sha256)
            for draft in store.table("draft").values()
            for piece in draft.evidence
            if (draft.record_id, piece.sha256) not in copied
        ]
        try:
            for piece in lacking:
                async with store.begin() as tx:
                    await tx.insert("copy", piece, True)
        except AwayError:
            await step()


async def seal_log(world: "World", process: Process) -> None:
    """Seal what is ready, as long as the session lock is ours; after whatever went wrong, restore the edge."""
    store = world.stores[process.service]
    has_lock = "sealer without its lock" not in world.planted
    me = object()
    while True:
        if has_lock:
            await until(lambda: SEALER not in store.sessions)
            store.sessions[SEALER] = world.sessions[id(process), SEALER] = me
        try:
            edge = _restored(store)
            while True:
                await until(
                    lambda: bool(_ready(store)) or (has_lock and store.sessions.get(SEALER) is not me)
                )
                await step()
                edge = await _seal(world, store, edge, me if has_lock else None)
        except AwayError:
            if store.sessions.get(SEALER) is me:
                del store.sessions[SEALER]
            await step()


async def _seal(world: "World", store: Store, edge: Edge, me: object | None) -> Edge:
    """One statement, on the connection that holds the lock."""
    ready = [_as_read(draft, n) for n, draft in enumerate(_ready(store))]
    if not ready:
        return edge
    key = ("seal", edge.size, edge.root, tuple(draft.sha256 for draft in ready))
    batch = once(key, lambda: seal(edge, ready, LOG_KEY))
    told = once(("told", id(batch)), lambda: messages(batch, NOW))
    await step()
    if me is not None and store.sessions.get(SEALER) is not me:
        raise AwayError("another session seals")
    async with store.begin() as tx:
        for one in batch.sealed:
            if me is not None and not await tx.insert("record", one.index, one):
                raise ConflictError(f"Record {one.index}")
            tx.set("record", one.index, one)
            tx.set("sealed", one.draft.record_id, one.index)
        tx.set("head", "newest", batch)
        tx.tell(told)
    for draft in ready:
        store.table("draft").pop(draft.record_id, None)
    world.check_log()
    return batch.edge


def _restored(store: Store) -> Edge:
    head = store.table("head").get("newest")
    records = store.table("record")
    leaves = [records[index].leaf for index in sorted(records)]
    return restore(StoredEdge(len(leaves), [leaves] if leaves else [], head.note if head else None), LOG_KEY)


def _ready(store: Store) -> list[Draft]:
    sealed = store.table("sealed")
    drafts = store.table("draft").values()
    return [draft for draft in drafts if _is_ready(store, draft) and draft.record_id not in sealed]


def _is_ready(store: Store, draft: Draft) -> bool:
    return all((draft.record_id, piece.sha256) in store.table("copy") for piece in draft.evidence)


def _as_read(draft: Draft, n: int) -> ReadyDraft:
    return ReadyDraft(
        n, draft.record_id, draft.request_id, draft.event_id, draft.subject, draft.body, draft.sha256
    )
