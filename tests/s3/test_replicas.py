"""Evidence on S3 with two replicas of execution. Not part of `make test`: `make test-s3` brings the server."""

import hashlib
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, replace

import pytest
from truth_kit.blobs import StoreError, blobs_at
from truth_local import store
from truth_local.demo import acting, doors, walk
from truth_local.demo.acting import Answer, Person, wait_for
from truth_local.demo.photo import take_photo
from truth_local.demo.walk import People, unseen
from truth_local.system import System, describe
from truth_local.testing import Stores


@dataclass(frozen=True, slots=True)
class Doubled:
    """The whole system, photos in buckets, execution twice; Olga at either replica."""

    system: System
    first: Person
    second: Person

    def kept(self, of: str) -> list[str]:
        """What the bucket of a service holds."""
        system = self.system
        return Stores(lambda name: store.bucket(system.layout, system.ports, name, name)).names(of)


@pytest.fixture(scope="module")
def doubled(system: System) -> Generator[Doubled]:
    described = describe(system.layout.folder, system.ports, replicas=2, evidence="s3")
    described.start("execution-2")
    olga = acting.person(described, "olga")
    first, second = (
        replace(olga, urls={**described.urls, "execution": described.replica_urls[f"execution-{n}"]})
        for n in (1, 2)
    )
    yield Doubled(described, first, second)
    described.stop("execution-2")


def digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def test_what_one_replica_received_the_other_has(doubled: Doubled) -> None:
    photo = take_photo("through the first replica")
    address = f"/api/evidence/{digest(photo)}"
    assert doubled.first.put_bytes("execution", address, photo).status_code == 201
    assert doubled.second.put_bytes("execution", address, photo).status_code == 200
    assert doubled.second.raw("GET", "execution", address).content == photo


def begun(operator: Person, who: People) -> Answer:
    """A claimed and started Job of a new request."""
    asked = doors.request("kitchen-repairs", "Tap drips", "Photos on S3.")
    intake = doors.over_http("", asked, who, unseen)
    task = wait_for(lambda: acting.task_of(who.admin, intake["request_id"]), "Task")
    task = acting.assign(who.admin, acting.approve(who.admin, task), "olga")
    acting.create_job(who.admin, task, acting.prepare(who.admin, task)["digest"])
    job = wait_for(lambda: acting.job_of(operator, intake["request_id"]), "Job")
    acting.command(operator, job["job_id"], "claim")
    acting.command(operator, job["job_id"], "start")
    return operator.get("execution", f"/api/jobs/{job['job_id']}")


def test_work_begun_at_one_replica_is_finished_at_the_other_and_sealed(doubled: Doubled) -> None:
    who = walk.people(doubled.system)
    job = begun(doubled.first, who)
    photos = {
        stage["name"]: take_photo(stage["name"]) for stage in job["stages"] if stage["evidence_required"]
    }
    for name, photo in photos.items():
        acting.attach(doubled.first, job["job_id"], photo, name)
    doubled.system.kill("execution-1")
    try:
        for stage in job["stages"]:
            acting.command(doubled.second, job["job_id"], "stage", name=stage["name"])
        acting.command(doubled.second, job["job_id"], "complete", outcome="fulfilled")
        record = wait_for(lambda: acting.record_of(who.auditor, job["request_id"]), "Record", 90)
    finally:
        doubled.system.start("execution-1")
    decided = wait_for(lambda: acting.decision_of(who.auditor, record["record_id"]), "decision", 90)
    assert decided["signal_id"]
    wanted = {digest(photo) for photo in photos.values()}
    assert wanted <= set(doubled.kept("execution"))
    assert wanted <= set(doubled.kept("records"))
    folders = [path for path in doubled.system.layout.evidence.rglob("*") if path.is_file()]
    assert folders == []  # nothing fell back to a folder


def test_a_store_that_is_away_refuses_photos_until_it_is_back(doubled: Doubled) -> None:
    photo = take_photo("while the store is away")
    address = f"/api/evidence/{digest(photo)}"
    doubled.system.kill("store")
    try:
        answer = doubled.first.put_bytes("execution", address, photo)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    finally:
        doubled.system.start("store")
    assert doubled.first.put_bytes("execution", address, photo).status_code == 201


async def test_records_may_read_executions_bucket_and_not_write_it(doubled: Doubled) -> None:
    system, photo = doubled.system, take_photo("by execution")
    mine = blobs_at(store.bucket(system.layout, system.ports, "execution", "execution"))
    theirs = blobs_at(store.bucket(system.layout, system.ports, "records", "execution"))

    async def pieces(octets: bytes) -> AsyncIterator[bytes]:
        yield octets

    assert await mine.put(pieces(photo), digest(photo), len(photo)) is True
    assert b"".join([piece async for piece in theirs.open(digest(photo))]) == photo
    forged = b"by records"
    with pytest.raises(StoreError, match="PermissionDenied"):
        await theirs.put(pieces(forged), digest(forged), len(forged))
    assert await mine.size(digest(forged)) is None
