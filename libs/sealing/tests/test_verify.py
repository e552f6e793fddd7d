"""What a bundle shows and what it does not, under more or less trust and with more or less evidence."""

import json
from collections.abc import Mapping
from dataclasses import replace

from truth_sealing import samples
from truth_sealing.bundle import Bundle, write_bundle
from truth_sealing.canonical import Json
from truth_sealing.cosignature import cosignature_line
from truth_sealing.evidence import EvidenceFile
from truth_sealing.findings import Report
from truth_sealing.forgeries import Forger
from truth_sealing.keyring import read_keyring
from truth_sealing.keys import FileSigner
from truth_sealing.note import sign_note, signature_line
from truth_sealing.policy import parse_policy
from truth_sealing.verify import check, verify

KEYS = samples.Keys()
TRUST = KEYS.trust()
F = Forger.over(KEYS)
WHOLE = F.whole
SHOWABLE = ("integrity", "logged", "witnessed", "path_complete", "path_signed", "duties_separated")


def report(bundle: Bundle, evidence: Mapping[str, EvidenceFile] | None = None) -> Report:
    return verify(write_bundle(bundle), TRUST, samples.evidence() if evidence is None else evidence)


def test_a_whole_bundle_is_yes_in_everything_it_can_show() -> None:
    found = report(WHOLE)
    assert {name: found[name].answer for name in (*SHOWABLE, "evidence_complete")} == dict.fromkeys(
        (*SHOWABLE, "evidence_complete"), "yes"
    )
    assert found["create_job_signed_by_person"].answer == found["corrected"].answer == "not shown"
    assert not found.failures()


def test_a_bundle_that_withholds_everything_is_still_whole() -> None:
    found = check(Bundle(WHOLE.record, WHOLE.proof), TRUST)
    assert all(found[name].answer == "yes" for name in SHOWABLE)
    assert [f.name for f in found.failures(("evidence_complete",))] == ["evidence_complete"]


def test_swapped_evidence_bytes_are_found() -> None:
    photos = samples.evidence((samples.PHOTOS[0], b"another door"))
    swapped = dict(zip(samples.evidence(), photos.values(), strict=True))
    assert report(WHOLE, swapped)["evidence_complete"].answer == "no"


def test_evidence_without_its_bytes_is_not_shown() -> None:
    first = samples.evidence(samples.PHOTOS[:1])
    assert "0002 are not there" in report(WHOLE, first)["evidence_complete"].reason
    assert report(WHOLE, first)["evidence_complete"].answer == "not shown"
    without_folder = verify(write_bundle(WHOLE), TRUST)["evidence_complete"]
    assert (without_folder.answer, "no folder" in without_folder.reason) == ("not shown", True)


def test_evidence_of_something_else_in_the_folder_does_no_harm() -> None:
    crowded = {**samples.evidence(), **samples.evidence((b"of another Job",))}
    assert report(WHOLE, crowded)["evidence_complete"].answer == "yes"
    lacking = {**samples.evidence(samples.PHOTOS[:1]), **samples.evidence((b"of another Job",))}
    assert report(WHOLE, lacking)["evidence_complete"].answer == "not shown"


def test_evidence_that_the_work_ended_without_is_not_complete() -> None:
    ended: dict[str, Json] = {"outcome": "partially_fulfilled", "evidence_missing": ["repair"]}
    found = report(F.told(service_event_completed=ended))
    assert (found["evidence_complete"].answer, found["integrity"].answer) == ("not shown", "yes")


def test_a_file_under_its_own_name_is_not_a_swapped_one() -> None:
    first = {"0001.jpg": next(iter(samples.evidence().values()))}
    assert report(WHOLE, first)["evidence_complete"].answer == "not shown"


def test_work_without_any_evidence_needs_no_folder() -> None:
    bundle = F.told(service_event_completed={"evidence": []})
    assert verify(write_bundle(bundle), TRUST)["evidence_complete"].answer == "yes"


def test_what_is_no_object_among_the_evidence_is_passed_over() -> None:
    bundle = F.resealed("service_event_completed", lambda body: body["evidence"].append(5))
    assert report(bundle)["path_signed"].answer == "yes"


def test_undisclosed_evidence_is_not_shown() -> None:
    kept = {path: text for path, text in WHOLE.disclosures.items() if path != "evidence/0001"}
    found = report(replace(WHOLE, disclosures=kept))["evidence_complete"]
    assert (found.answer, found.reason) == ("not shown", "evidence/0001 is not disclosed")


def test_without_step_keys_the_path_is_not_signed() -> None:
    trust = replace(TRUST, keyring=None)
    found = verify(write_bundle(WHOLE), trust)
    assert (found["path_signed"].answer, found["path_complete"].answer) == ("not shown", "yes")
    withheld = check(Bundle(WHOLE.record, WHOLE.proof), trust)
    assert (withheld["path_signed"].answer, withheld["path_complete"].answer) == ("not shown", "not shown")
    assert (found["duties_separated"].answer, withheld["duties_separated"].answer) == ("yes", "not shown")


def test_a_keys_file_without_step_keys_shows_no_signature() -> None:
    keys = [key for key in json.loads(KEYS.keyring())["keys"] if key["kind"] != "step"]
    trust = replace(TRUST, keyring=read_keyring(json.dumps({"keys": keys}).encode()))
    assert verify(write_bundle(WHOLE), trust)["path_signed"].answer == "not shown"


def test_nobody_acts_in_an_intake() -> None:
    bundle = replace(WHOLE, steps=(WHOLE.steps[0], None, *WHOLE.steps[2:]))
    found = verify(write_bundle(bundle), replace(TRUST, keyring=None))
    assert (found["duties_separated"].answer, found["path_complete"].answer) == ("yes", "not shown")


def test_whoever_approves_may_be_anybody_but_the_requester() -> None:
    requester: Json = {"name": "Rita", "subject": "rita"}
    without_contact = report(F.told(request={"requester": requester}))
    assert (without_contact["duties_separated"].answer, without_contact["integrity"].answer) == ("yes", "yes")
    assert report(F.told(task_approved={"actor": "person:None"}))["duties_separated"].answer == "yes"


def test_a_policy_that_asks_for_no_witness_shows_none() -> None:
    found = verify(write_bundle(WHOLE), KEYS.trust("none"))["witnessed"]
    assert (found.answer, "asks for no witness" in found.reason) == ("not shown", True)


def test_one_of_two_witnesses_is_enough_for_any() -> None:
    kept = [line for line in WHOLE.proof.split("\n") if not line.startswith(f"— {samples.WITNESSES[0]}")]
    stripped = replace(WHOLE, proof="\n".join(kept))
    assert verify(write_bundle(stripped), KEYS.trust("any"))["witnessed"].answer == "yes"


def test_a_log_key_counts_only_up_to_its_last_size() -> None:
    for last, answer in ((6, "no"), (7, "yes")):
        retired = {"kind": "log", "vkey": KEYS.log.verify_key.vkey, "from": 0, "to": last, "state": "retired"}
        trust = replace(TRUST, keyring=read_keyring(json.dumps({"keys": [retired]}).encode()))
        assert verify(write_bundle(WHOLE), trust)["logged"].answer == answer


def signed_instead(text: str, line: str) -> Bundle:
    """The bundle under a checkpoint with another signature than the log's."""
    return replace(WHOLE, proof=f"{WHOLE.proof.split(chr(10) * 2)[0]}\n\n{text}\n{line}")


TEXT = WHOLE.proof.split("\n\n")[1] + "\n"


def test_another_pinned_log_does_not_speak_for_this_one() -> None:
    other = FileSigner.generate("other.example.org/log")
    bundle = signed_instead(TEXT, signature_line(TEXT, other, other.verify_key.key_id))
    policy = parse_policy(KEYS.policy() + f"log {other.verify_key.vkey}\n".encode())
    found = verify(write_bundle(bundle), replace(TRUST, policy=policy))
    assert (found["logged"].answer, found["witnessed"].answer) == ("no", "not shown")


def test_a_witness_named_like_the_log_is_not_the_log() -> None:
    keys = replace(KEYS, witnesses=(FileSigner.generate(samples.ORIGIN), *KEYS.witnesses[1:]))
    line = cosignature_line(TEXT, keys.witnesses[0], samples.cosigner(keys.witnesses[0]), 1)
    assert verify(write_bundle(signed_instead(TEXT, line)), keys.trust("any"))["logged"].answer == "no"


def test_the_log_is_not_among_its_witnesses() -> None:
    bundle = signed_instead(TEXT, signature_line(TEXT, KEYS.log, KEYS.log.verify_key.key_id))
    found = verify(write_bundle(bundle), TRUST)
    assert found["witnessed"].reason == "the quorum both is not met: cosigned by no known witness"
    assert found.failures() == (found["witnessed"],)


def test_a_witness_may_claim_any_time() -> None:
    head, text = WHOLE.proof.split("\n\n")[:2]
    witness, note = KEYS.witnesses[0], sign_note(text + "\n", (KEYS.log, KEYS.log.verify_key.key_id))
    line = cosignature_line(text + "\n", witness, samples.cosigner(witness), 2**62)
    found = verify(write_bundle(replace(WHOLE, proof=f"{head}\n\n{note}{line}")), KEYS.trust("any"))
    assert (found["witnessed"].answer, f"{2**62} s" in found["witnessed"].reason) == ("yes", True)


def test_a_record_without_a_path_that_is_not_in_the_log_either() -> None:
    found = report(replace(WHOLE, record=F.edited(chain=[])))
    assert "is not entry 3" in found["integrity"].reason
    assert "seven steps" in found["integrity"].reason


def test_corrections_are_not_known_as_of_a_size() -> None:
    assert "as of log size 7" in report(WHOLE)["corrected"].reason
    unreadable = report(replace(WHOLE, proof=""))
    assert "as of log size 0" in unreadable["corrected"].reason
    assert "origin" not in unreadable.subject


def test_a_report_names_what_it_is_about() -> None:
    assert report(WHOLE).subject["origin"] == samples.ORIGIN
    assert (report(WHOLE).subject["index"], report(WHOLE).subject["size"]) == (3, 7)
