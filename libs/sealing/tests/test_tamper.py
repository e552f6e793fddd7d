"""Every tampering that a bundle can show, with the finding and the reason that it must produce."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from truth_sealing import samples
from truth_sealing.bundle import Bundle, EvidenceLabel, write_bundle
from truth_sealing.canonical import Json, canonical, sha256_hex
from truth_sealing.evidence import EvidenceFile
from truth_sealing.findings import Report
from truth_sealing.forgeries import Forger, disclosed_as, forged_step, signed_link
from truth_sealing.keys import FileSigner
from truth_sealing.sealed import read_record
from truth_sealing.steps import STEP_OWNERS, STEPS
from truth_sealing.verify import verify

KEYS = samples.Keys()
TRUST = KEYS.trust()
F = Forger.over(KEYS)
PATH, WHOLE = F.history, F.whole
SHOWABLE = ("integrity", "logged", "witnessed", "path_complete", "path_signed", "duties_separated")
Tampering = Callable[[], Bundle]


def report(bundle: Bundle, evidence: Mapping[str, EvidenceFile] | None = None) -> Report:
    return verify(write_bundle(bundle), TRUST, samples.evidence() if evidence is None else evidence)


def with_proof(old: str, new: str) -> Bundle:
    assert old in WHOLE.proof
    return replace(WHOLE, proof=WHOLE.proof.replace(old, new, 1))


def lines(bundle: Bundle) -> list[str]:
    return bundle.proof.split("\n")


def without_line(start: str) -> Bundle:
    kept = [line for line in lines(WHOLE) if not line.startswith(start)]
    return replace(WHOLE, proof="\n".join(kept))


def resigned_by_a_stranger() -> Bundle:
    stranger = FileSigner.generate(samples.ORIGIN)
    proof = samples.prove(read_record(WHOLE.record).entry, KEYS, signer=stranger)
    return replace(WHOLE, proof=proof)


def signed_by_a_stranger_under_the_known_key_id() -> Bundle:
    line = next(one for one in lines(WHOLE) if one.startswith(f"— {samples.ORIGIN} "))
    octets = bytearray(base64.b64decode(line.rsplit(" ", 1)[1]))
    octets[-1] ^= 1
    return with_proof(line.rsplit(" ", 1)[1], base64.b64encode(octets).decode())


def of_another_log() -> Bundle:
    keys = samples.Keys()
    other = replace(keys, log=FileSigner.generate("other.example.org/log"))
    return replace(WHOLE, proof=samples.prove(read_record(WHOLE.record).entry, other))


def an_older_checkpoint() -> Bundle:
    entry = read_record(WHOLE.record).entry
    older = samples.prove(b"another entry", KEYS, index=2, size=3).split("\n\n", 1)[1]
    return replace(WHOLE, proof=samples.prove(entry, KEYS).split("\n\n", 1)[0] + "\n\n" + older)


def wrong_witness() -> Bundle:
    line = next(one for one in lines(WHOLE) if one.startswith(f"— {samples.WITNESSES[0]} "))
    octets = bytearray(base64.b64decode(line.rsplit(" ", 1)[1]))
    octets[11] ^= 1  # the witness's time
    return with_proof(line.rsplit(" ", 1)[1], base64.b64encode(octets).decode())


def stripped_step(chain: list[dict[str, Any]]) -> None:
    del chain[2]


def reordered_steps(chain: list[dict[str, Any]]) -> None:
    chain[2], chain[3] = chain[3], chain[2]


def link_of_another_request(chain: list[dict[str, Any]]) -> None:
    other = samples.path(KEYS, request_id="0191d6a0-0000-7000-8000-00000000000f")
    chain[2] = dict(other.chain[2])


def link_signed_by_another_service(chain: list[dict[str, Any]]) -> None:
    _, link = forged_step(json.loads(PATH.steps[5]), KEYS.steps["governance"])
    chain[5] = dict(link)


def invented_path() -> Bundle:
    """Records alone, with the log key, makes up everything: every other service's key is its own."""
    inventor = replace(samples.Keys(), log=KEYS.log, witnesses=KEYS.witnesses)
    return samples.bundle(inventor)


def later_than_the_next(chain: list[dict[str, Any]]) -> None:
    chain[1]["at"] = "2026-11-24T11:00:00.000Z"


def at_another_form_of_time(chain: list[dict[str, Any]]) -> None:
    chain[1]["at"] = "2026-11-24T10:01:00+00:00"


def without_a_time(chain: list[dict[str, Any]]) -> None:
    chain[1]["at"] = "yesterday"


def body_of_another_request() -> Bundle:
    other = samples.path(KEYS, request_id="0191d6a0-0000-7000-8000-00000000000f")
    steps = (*WHOLE.steps[:2], other.steps[2], *WHOLE.steps[3:])
    return replace(WHOLE, steps=steps)


def swapped_disclosures() -> Bundle:
    first, second = WHOLE.disclosures["evidence/0001"], WHOLE.disclosures["evidence/0002"]
    return replace(WHOLE, disclosures={**WHOLE.disclosures, "evidence/0001": second, "evidence/0002": first})


def stages(change: Callable[[dict[str, Any]], None]) -> Bundle:
    changed = json.loads(WHOLE.record)["stages"]
    change(changed[0])
    return F.relogged(F.edited(stages=changed))


def frozen(**members: Json) -> Bundle:
    """Governance freezes another Job than the one that everybody else works on."""

    def change(body: dict[str, Any]) -> None:
        body["job"].update(members)

    return F.resealed("job_created", change)


def claims(step: str, **members: Json) -> Bundle:
    return F.resealed(step, lambda body: body.update(members))


def labelled(label: EvidenceLabel, path: str = "evidence/0001") -> Bundle:
    return replace(WHOLE, evidence={**WHOLE.evidence, path: label})


def bytes_are_true() -> Bundle:
    """The completion says that a photo has `true` bytes, the bundle that it has one."""
    changed = F.resealed("service_event_completed", lambda body: body["evidence"][0].update(bytes=True))
    return replace(changed, evidence={**changed.evidence, "evidence/0001": EvidenceLabel("image/jpeg", 1)})


def recorded_unread(**members: Json) -> Bundle:
    return replace(WHOLE, record=F.edited(**members))


def spaced_body() -> Bundle:
    return replace(WHOLE, steps=((WHOLE.steps[0] or "") + " ", *WHOLE.steps[1:]))


def lying_link(member: str, value: Json) -> Bundle:
    """A link that tells otherwise than its body, signed by the step's owner all the same."""
    chain = json.loads(WHOLE.record)["chain"]
    chain[2] = signed_link({**chain[2], member: value}, PATH.body("task_approved"), KEYS.steps["governance"])
    return F.relogged(F.edited(chain=chain))


def one_for_true() -> Bundle:
    """A completion that lacks `true` evidence, and a link by which it lacks 1."""
    chain, body = json.loads(WHOLE.record)["chain"], {**PATH.body(STEPS[-1]), "evidence_missing": True}
    text, honest = forged_step(body, KEYS.steps["execution"])
    link: dict[str, Any] = {**honest}
    chain[-1] = signed_link(
        {**link, "facts": {"evidence_missing": 1, "outcome": "fulfilled"}}, body, KEYS.steps["execution"]
    )
    return F.relogged(F.edited(chain=chain), replace(WHOLE, steps=(*WHOLE.steps[:-1], text)))


def without_facts(step: str, **members: Json) -> Bundle:
    """A body that lacks what its link must tell, signed by the step's owner all the same."""
    position, chain = STEPS.index(step), json.loads(WHOLE.record)["chain"]
    body = {**json.loads(PATH.steps[position]), **members}
    text = canonical({name: value for name, value in body.items() if value is not None})
    link = {**chain[position], "sha256": sha256_hex(text)}
    chain[position] = signed_link(link, body, KEYS.steps[STEP_OWNERS[step]])
    steps = (*WHOLE.steps[:position], text.decode(), *WHOLE.steps[position + 1 :])
    return F.relogged(F.edited(chain=chain), replace(WHOLE, steps=steps))


def fulfilled_without() -> Bundle:
    return F.told(service_event_completed={"evidence_missing": ["repair"]})


def asked_by(subject: str) -> dict[str, Json]:
    return {"requester": {"name": "Ada", "subject": subject}}


def edited_disclosure() -> Bundle:
    text = WHOLE.disclosures["place"].replace("Flat 4", "Flat 5")
    return replace(WHOLE, disclosures={**WHOLE.disclosures, "place": text})


def of_nothing() -> Bundle:
    text = disclosed_as("nothing", "x")
    return replace(WHOLE, disclosures={**WHOLE.disclosures, "nothing": text})


ANYBODY = "0191d6a0-0000-7000-8000-0000000000ff"
TAMPERINGS: list[tuple[str, Tampering, str, str, str]] = [
    # what is done, by which function, and the finding, answer and words of the reason that tell it
    ("record edited", lambda: replace(WHOLE, record=F.edited(reason="x")), "integrity", "no", "is not entry 3"),
    ("record edited: log", lambda: replace(WHOLE, record=F.edited(reason="x")), "logged", "no", "not entry 3"),
    ("space added", lambda: replace(WHOLE, record=WHOLE.record + " "), "integrity", "no", "canonical form"),
    ("no JSON", lambda: replace(WHOLE, record="{"), "integrity", "no", "cannot be read"),
    ("key twice", lambda: replace(WHOLE, record='{"v":1,"v":1}'), "integrity", "no", "twice"),
    ("other version", lambda: recorded_unread(v=2), "integrity", "no", "version 1"),
    ("version is true", lambda: recorded_unread(v=True), "integrity", "no", "version 1"),
    ("no outcome", lambda: recorded_unread(outcome=None), "integrity", "no", "needs the texts"),
    ("no stages", lambda: recorded_unread(stages={}), "integrity", "no", "array of stages"),
    ("reason is a number", lambda: recorded_unread(reason=1), "integrity", "no", "reason or null"),
    ("no chain", lambda: recorded_unread(chain=[{}]), "integrity", "no", "array of links"),
    ("no commitments", lambda: recorded_unread(commitments=[]), "integrity", "no", "needs commitments"),
    ("commitment no digest", lambda: recorded_unread(commitments={"place": "x"}), "integrity", "no", "not a digest"),
    # the log
    ("another index", lambda: with_proof("index 3", "index 2"), "integrity", "no", "is not entry 2"),
    ("index beyond the tree", lambda: with_proof("index 3", "index 9"), "logged", "no", "is not entry 9"),
    ("another size", lambda: with_proof("\n7\n", "\n8\n"), "logged", "no", "wrong"),
    ("proof cut", lambda: without_line(lines(WHOLE)[2]), "integrity", "no", "is not entry 3"),
    ("extra data", lambda: with_proof("index 3", "extra AAAA\nindex 3"), "logged", "no", "nobody signs"),
    ("an older checkpoint", an_older_checkpoint, "integrity", "no", "is not entry 3 of the tree of 3"),
    ("re-signed by a stranger", resigned_by_a_stranger, "logged", "no", "not signed by a pinned key"),
    ("stranger, known id", signed_by_a_stranger_under_the_known_key_id, "logged", "no", "is wrong"),
    ("another log", of_another_log, "logged", "no", "not signed by a pinned key"),
    ("log line cut", lambda: without_line(f"— {samples.ORIGIN}"), "logged", "no", "not signed by a pinned"),
    ("log line cut: witness", lambda: without_line(f"— {samples.ORIGIN}"), "witnessed", "not shown", "log"),
    ("cosignature cut", lambda: without_line(f"— {samples.WITNESSES[0]}"), "witnessed", "no", "quorum both"),
    ("cosignature cut: log", lambda: without_line(f"— {samples.WITNESSES[0]}"), "logged", "yes", "entry 3"),
    ("witness's time", wrong_witness, "witnessed", "no", "is wrong"),
    # the path
    ("step stripped", lambda: F.with_links(stripped_step), "path_complete", "no", "seven steps"),
    ("step stripped: whole", lambda: F.with_links(stripped_step), "integrity", "no", "seven steps"),
    ("steps reordered", lambda: F.with_links(reordered_steps), "path_complete", "no", "seven steps"),
    ("no links", lambda: recorded_unread(chain=[]), "path_complete", "no", "seven steps"),
    ("foreign link", lambda: F.with_links(link_of_another_request), "path_signed", "no", "task_approved"),
    ("foreign link: bound", lambda: F.with_links(link_of_another_request), "path_complete", "not shown", "binds"),
    ("other service", lambda: F.with_links(link_signed_by_another_service), "path_signed", "no", "job_claimed"),
    ("invented path", invented_path, "path_signed", "no", "request is not signed by intake"),
    ("time goes back", lambda: F.with_links(later_than_the_next), "path_complete", "no", "5 minutes before"),
    ("no time", lambda: F.with_links(without_a_time), "path_complete", "no", "not an instant"),
    ("other form of time", lambda: F.with_links(at_another_form_of_time), "path_complete", "no", "not an instant"),
    ("recorded too early", lambda: F.recorded(recorded_at="2026-11-24T10:01:00.000Z"), "path_complete", "no", "Record"),
    ("body edited", lambda: F.with_body("request", summary="x"), "integrity", "no", "not the one that its link"),
    ("body spaced", spaced_body, "integrity", "no", "canonical"),
    ("body unreadable", lambda: replace(WHOLE, steps=("{", *WHOLE.steps[1:])), "integrity", "no", "request"),
    ("foreign body", body_of_another_request, "integrity", "no", "not the one that its link"),
    ("prev", lambda: claims("task_approved", prev="0" * 64), "path_complete", "no", "does not follow"),
    ("request_id", lambda: claims("task_approved", request_id=ANYBODY), "path_complete", "no", "another request"),
    ("link tells another actor", lambda: lying_link("actor", "person:olga"), "integrity", "no", "another actor"),
    ("link tells another time", lambda: lying_link("at", "2026-11-24T10:02:01.000Z"), "integrity", "no", "other at"),
    ("link tells another event", lambda: lying_link("event_id", "x"), "integrity", "no", "another event_id"),
    ("link tells other facts", lambda: lying_link("facts", {"x": 1}), "integrity", "no", "other facts"),
    ("link tells 1 for true", one_for_true, "integrity", "no", "other facts"),
    ("body without a fact", lambda: without_facts("intake", maturity=None), "integrity", "no", "no maturity"),
    ("body without a Job", lambda: without_facts("job_created", job=5), "integrity", "no", "no job.operator_id"),
    # the Record against its path, with the log key
    ("maturity", lambda: F.recorded(maturity="partial"), "integrity", "no", "maturity at intake"),
    ("maturity of the Job", lambda: frozen(maturity="partial"), "integrity", "no", "maturity of the Job"),
    ("surface", lambda: F.recorded(surface="roof-inspections"), "integrity", "no", "surface at intake"),
    ("surface of the request", lambda: claims("request", surface="x"), "integrity", "no", "of the request"),
    ("surface of the Job", lambda: frozen(surface="x"), "integrity", "no", "surface of the Job"),
    ("operator", lambda: F.recorded(operator_id="otto"), "integrity", "no", "assigned operator"),
    ("operator of the Job", lambda: frozen(operator_id="otto"), "integrity", "no", "operator of the Job"),
    ("outcome", lambda: F.recorded(outcome="not_fulfilled"), "integrity", "no", "outcome"),
    ("fulfilled", fulfilled_without, "integrity", "no", "although evidence is missing"),
    ("completed_at", lambda: F.recorded(completed_at="2026-11-24T10:07:00.000Z"), "integrity", "no", "completion"),
    ("started_at", lambda: F.recorded(started_at="2026-11-24T10:05:00.000Z"), "integrity", "no", "the start"),
    ("reason", lambda: F.recorded(reason="nobody_home"), "integrity", "no", "reason"),
    ("Job", lambda: F.recorded(job_id=ANYBODY), "integrity", "no", "Job created"),
    ("Job claimed", lambda: claims("job_claimed", job_id=ANYBODY), "integrity", "no", "claimed Job"),
    ("Job completed", lambda: claims(STEPS[-1], job_id=ANYBODY), "integrity", "no", "Job of the completion"),
    ("ServiceEvent", lambda: F.recorded(service_event_id=ANYBODY), "integrity", "no", "ServiceEvent"),
    ("frozen request", lambda: frozen(request_id=ANYBODY), "integrity", "no", "request of the Job"),
    ("frozen assignment", lambda: frozen(prev="0" * 64), "integrity", "no", "assignment frozen"),
    ("prepared by", lambda: frozen(prepared_by="person:olga"), "integrity", "no", "who prepared"),
    ("frozen stages", lambda: frozen(stages=[]), "integrity", "no", "stages of the Job"),
    ("stages", lambda: claims("intake", stages=[]), "integrity", "no", "stages of the surface"),
    ("stage renamed", lambda: stages(lambda s: s.update(name="x")), "integrity", "no", "stages of the"),
    ("stage's time", lambda: stages(lambda s: s.update(completed_at=None)), "integrity", "no", "of stage inspect"),
    ("stage's count", lambda: stages(lambda s: s.update(evidence_count=2)), "integrity", "no", "pieces of"),
    ("stage's count is true", lambda: stages(lambda s: s.update(evidence_count=True)), "integrity", "no", "pieces of"),
    # duties
    ("own request", lambda: F.told(request={"actor": "person:ada"}), "duties_separated", "no", "also approved"),
    ("own request for", lambda: F.told(request=asked_by("ada")), "duties_separated", "no", "was asked also"),
    ("claimed by another", lambda: F.told(job_claimed={"actor": "person:otto"}), "duties_separated", "no", "claimed"),
    ("done by another", lambda: F.told(service_event_completed={"actor": "person:otto"}), "duties_separated", "no", "completed"),
    ("approved by a machine", lambda: F.told(task_approved={"actor": "client:x"}), "duties_separated", "no", "approval"),
    ("created by a machine", lambda: F.told(job_created={"actor": "client:x"}), "duties_separated", "no", "Create Job"),
    ("anonymous", lambda: F.told(request={"actor": "anonymous"}), "duties_separated", "not shown", "anonymous"),
    # disclosures and evidence
    ("disclosure edited", edited_disclosure, "integrity", "no", "not the one that the Record commits"),
    ("disclosure swapped", swapped_disclosures, "integrity", "no", "not the one that the Record commits"),
    ("disclosure swapped: evidence", swapped_disclosures, "evidence_complete", "no", "evidence/0001"),
    ("disclosure of nothing", of_nothing, "integrity", "no", "commits to no nothing"),
    ("disclosure for another path", lambda: F.disclosed("place", disclosed_as("summary", "x")), "integrity", "no", "another path"),
    ("disclosure of a number", lambda: F.disclosed("place", '["s","place",1]'), "integrity", "no", "not of a text"),
    ("disclosure no array", lambda: F.disclosed("place", '{"place":1}'), "integrity", "no", "not a canonical"),
    ("disclosure a text", lambda: F.disclosed("place", '"abc"'), "integrity", "no", "not a canonical"),
    ("disclosure of two", lambda: F.disclosed("place", '["s","place","x","y"]'), "integrity", "no", "not a canonical"),
    ("disclosure spaced", lambda: F.disclosed("place", '["s","place", "x"]'), "integrity", "no", "not a canonical"),
    ("disclosure unreadable", lambda: F.disclosed("place", "["), "integrity", "no", "cannot be read"),
    ("another value than told", lambda: F.disclosed("place", disclosed_as("place", "x")), "integrity", "no", "another place than"),
    ("note left out", lambda: F.committed(lambda c: c.pop("notes/0001")), "integrity", "no", "leaves out notes/0001"),
    ("photo left out", lambda: F.committed(lambda c: c.pop("evidence/0002")), "integrity", "no", "leaves out"),
    ("note invented", lambda: F.committed(lambda c: c.update({"notes/0002": "0" * 64})), "integrity", "no", "no step"),
    ("unknown commitment", lambda: F.committed(lambda c: c.update(rating="0" * 64)), "integrity", "no", "no step"),
    ("media type", lambda: labelled(EvidenceLabel("text/html", 16)), "integrity", "no", "media type"),
    ("bytes are true", bytes_are_true, "integrity", "no", "size than the completion"),
    ("size", lambda: labelled(EvidenceLabel("image/jpeg", 1)), "evidence_complete", "no", "another size"),
    ("label of nothing", lambda: labelled(EvidenceLabel("x", 1), "evidence/0009"), "integrity", "no", "to no"),
    ("label of no evidence", lambda: labelled(EvidenceLabel("x", 1), "place"), "integrity", "no", "to no place"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tampered", "name", "answer", "words"), [pytest.param(*case, id=what) for what, *case in TAMPERINGS]
)
def test_a_tampering_is_found(tampered: Tampering, name: str, answer: str, words: str) -> None:
    found = report(tampered())[name]
    assert (found.answer, words in found.reason) == (answer, True), found.reason
