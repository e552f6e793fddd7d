"""Everything that the tests of the verifier are made of, as cases for any verifier: good, bad and hostile."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from truth_sealing import samples
from truth_sealing.bundle import Bundle, write_bundle
from truth_sealing.canonical import Json, sha256_hex
from truth_sealing.cosignature import cosignature_line
from truth_sealing.evidence import EvidenceFile
from truth_sealing.forgeries import Forger
from truth_sealing.note import sign_note
from truth_sealing.passkey import challenge
from truth_sealing.sealed import read_record

from libs.sealing.tests import (
    test_bundle,
    test_hostile,
    test_note,
    test_passkey,
    test_policy,
    test_strict,
    test_tamper,
)
from libs.sealing.tests.javascript import Case

KEYS = samples.Keys()
F = Forger.over(KEYS)
WHOLE = F.whole
JOB = F.history.body("job_created")["job"]
SERVED = Path(__file__).parents[1] / "samples"


def case(what: str, bundle: Bundle | bytes, keys: samples.Keys = KEYS, **given: Any) -> Case:
    """A case under `keys` with all the evidence; `policy`, `keyring` and `evidence` replace what is given."""
    octets = bundle if isinstance(bundle, bytes) else write_bundle(bundle)
    policy = given.get("policy", keys.policy())
    keyring = given.get("keyring", keys.keyring())
    return Case(what, octets, policy, keyring, given.get("evidence", samples.evidence()))


def parameters(test: Any) -> Iterator[tuple[str, Any]]:
    """The parameter sets of a test, each with a name."""
    for number, one in enumerate(test.pytestmark[0].args[1]):
        values = getattr(one, "values", one)
        yield f"{test.__name__} {getattr(one, 'id', None) or number}", values


def tamperings() -> list[Case]:
    """Every tampering that a bundle can show."""
    return [case(what, tampered(), test_tamper.KEYS) for what, tampered, *_ in test_tamper.TAMPERINGS]


def unreadable() -> list[Case]:
    """Files that are no bundle, and texts with more than one meaning in the place of one."""
    files = [
        case(what, octets, test_bundle.KEYS)
        for what, (octets, _) in parameters(test_bundle.test_what_is_no_bundle_is_refused)
    ]
    texts = parameters(test_strict.test_a_text_with_more_than_one_meaning_is_refused)
    octets = {
        what: text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        for what, (text, _) in texts
    }
    signs = [
        b'{"a";1}',
        b"{'a\":1}",
        b'{"a":1;"b":2}',
        b"[1;2]",
        b'["a]',
        b'{"a":1]',
        b"[1}",
        b"01",
        b"1.",
        b"-",
        b".5",
    ]
    signs += [
        b'"\\x"',
        b'"\\u12"',
        b'"\n"',
        b"nul",
        b"+1",
        b"{1:1}",
        b'{"a":"x","b":' + b"[" * 70 + b"]" * 70 + b"}",
    ]
    return [
        *files,
        *(case(what, text) for what, text in octets.items()),
        *(case(f"text {text!r}", text) for text in signs),
    ]


def notes() -> list[Case]:
    """Notes and checkpoints that are none, at the end of a proof; and what else a proof may not be."""
    head, _, note = WHOLE.proof.partition("\n\n")
    bad = [text for _, (text, *_) in parameters(test_note.test_what_is_no_note_is_refused)]
    bad += [
        f"{text}\n{note.rpartition(chr(10) * 2)[2]}"
        for _, text in parameters(test_note.test_what_is_no_checkpoint_is_refused)
    ]
    proofs = [f"{head}\n\n{text}" for text in bad if "\ud800" not in text]
    proofs += [
        "",
        "\n\n",
        head,
        f"{head}\n\n",
        f"{head}\nx\n\n{note}",
        f"{head.replace('v1', 'v2')}\n\n{note}",
    ]
    proofs += [f"{head}{chr(10)}{'A' * 43}=\n\n{note}", WHOLE.proof.replace("index 3", "index 03")]
    proofs += [
        f"{head}{(chr(10) + 'A' * 43 + '=') * 63}\n\n{note}",
        WHOLE.proof.replace("index", "extra !\nindex"),
    ]
    entry = read_record(WHOLE.record).entry
    proofs += [
        samples.prove(entry, KEYS, index=index, size=size) for size in range(1, 8) for index in range(size)
    ]
    alone = samples.prove(entry, KEYS, index=0, size=1)
    proofs += [alone, alone.replace("index 0", "index 5"), "x" * 230_000]
    proofs += [f"{head}\n\n{samples.ORIGIN}\n7\n\n{note.rpartition(chr(10) * 2)[2]}"]
    return [case(f"proof {n}", replace(WHOLE, proof=proof)) for n, proof in enumerate(proofs)]


def pinned() -> list[Case]:
    """Policies and keys files that are none, and trust that is less or other than whole."""
    policies = [text for _, (text, _) in parameters(test_policy.test_what_is_no_policy_is_refused)]
    keyrings = [octets for _, (octets, _) in parameters(test_policy.test_what_is_no_keys_file_is_refused)]
    many = "".join(
        [test_policy.W1, "group g0 any w1\n", *(f"group g{n} any g{n - 1}\n" for n in range(1, 65))]
    )
    policies += [many + "quorum none\n", test_policy.EXAMPLE]
    octets = [
        *(text.encode() for text in policies),
        b"# \xff\xfe\nquorum none\n",
        b"log \xff+0+A\nquorum none",
    ]
    retired = [
        {"kind": "log", "vkey": KEYS.log.verify_key.vkey, "from": 0, "to": last, "state": "retired"}
        for last in (6, 7)
    ]
    spans = [
        {**json.loads(KEYS.keyring())["keys"][0], "from": at} for at in (test_policy.EARLY, test_policy.LATE)
    ]
    keyrings += [json.dumps({"keys": [key]}).encode() for key in (*retired, *spans)]
    return [
        *(case(f"policy {n}", WHOLE, policy=policy) for n, policy in enumerate(octets)),
        *(case(f"keys {n}", WHOLE, keyring=keyring) for n, keyring in enumerate(keyrings)),
        *(case(f"quorum {quorum}", WHOLE, policy=KEYS.policy(quorum)) for quorum in ("any", "all", "none")),
        case("no keys", WHOLE, keyring=None),
        case("no keys, nothing shown", Bundle(WHOLE.record, WHOLE.proof), keyring=None),
        case("of another deployment", WHOLE, samples.Keys()),
        case("a witness's own time", _cosigned_at(2**62)),
    ]


def _cosigned_at(seconds: int) -> Bundle:
    head, text = WHOLE.proof.split("\n\n")[:2]
    note = sign_note(text + "\n", (KEYS.log, KEYS.log.verify_key.key_id))
    lines = (cosignature_line(text + "\n", w, samples.cosigner(w), seconds) for w in KEYS.witnesses)
    return replace(WHOLE, proof=f"{head}\n\n{note}{''.join(lines)}")


def shown() -> list[Case]:
    """More or less shown, more or less evidence, and other paths that are as good."""
    first, other = samples.evidence(samples.PHOTOS[:1]), samples.evidence((b"of another Job",))
    swapped = dict(zip(samples.evidence(), [*first.values(), *other.values()], strict=True))
    folders: list[Mapping[str, EvidenceFile] | None] = [None, {}, first, {**first, **other}, swapped]
    folders += [
        {"a/0001.jpg": next(iter(first.values()))},
        {**samples.evidence(), "x.jpg": other.popitem()[1]},
    ]
    lacking: dict[str, Json] = {"outcome": "partially_fulfilled", "evidence_missing": ["repair"]}
    without = {path: text for path, text in WHOLE.disclosures.items() if path != "evidence/0001"}
    bundles = [
        WHOLE,
        Bundle(WHOLE.record, WHOLE.proof),
        replace(WHOLE, disclosures=without),
        F.told(service_event_completed=lacking),
        F.told(service_event_completed={"evidence": []}),
        F.told(request={"requester": {"name": "Rita \U0001f6b0 \u2028", "subject": "rita"}}),
        F.told(request={"summary": '[{"' * 200 + '\\"' + "[" * 100}),
        F.told(service_event_completed={"notes": [{"n": n, "text": f"note {n}"} for n in range(1, 90)]}),
        F.with_links(lambda chain: chain[1].update(at="+010000-01-01T00:00:00.000Z")),
        F.resealed("service_event_completed", lambda body: body["evidence"].append(5)),
        F.resealed(
            "service_event_completed", lambda body: body["stages"].append({"name": [None, True, {"e": "é"}]})
        ),
        F.resealed("service_event_completed", lambda body: body["notes"].append({"n": -7, "text": "x"})),
        F.resealed("service_event_completed", lambda body: body["notes"].append({"n": True, "text": "x"})),
        *(
            F.with_links(lambda chain, told=told: chain[-1].update(facts=told))
            for told in ({}, {"evidence_missing": None})
        ),
        *(replace(WHOLE, steps=(*WHOLE.steps[:n], None, *WHOLE.steps[n + 1 :])) for n in range(7)),
    ]
    return [
        *(case(f"folder {n}", WHOLE, evidence=folder) for n, folder in enumerate(folders)),
        case("no evidence and no folder", F.told(service_event_completed={"evidence": []}), evidence=None),
        *(case(f"shown {n}", bundle) for n, bundle in enumerate(bundles)),
        *(case(f"shown without keys {n}", bundle, keyring=None) for n, bundle in enumerate(bundles)),
        served(),
    ]


def served() -> Case:
    """The committed samples, as a running system served them."""
    photos = {file.name: file.read_bytes() for file in (SERVED / "evidence").iterdir()}
    return Case(
        "served by a running system",
        (SERVED / "record.bundle.json").read_bytes(),
        (SERVED / "policy").read_bytes(),
        (SERVED / "keys.json").read_bytes(),
        {name: EvidenceFile(sha256_hex(octets), len(octets)) for name, octets in photos.items()},
    )


def passkeys() -> list[Case]:
    """Passkey proofs over the frozen Job of the path, whole and wrong; and over another Job, wrong in more."""
    asked, data = challenge(JOB), test_passkey.authenticator_data
    proofs: list[Json] = [
        test_passkey.assertion(challenge=asked),
        test_passkey.assertion(
            challenge=asked, sign=test_passkey.EDDSA.sign, public=test_passkey.EDDSA.public_key()
        ),
        test_passkey.assertion(challenge=asked, data=data("localhost"), origin="http://localhost:8002"),
        test_passkey.assertion(challenge=asked, data=data() + b"more"),
        test_passkey.assertion(challenge=asked, crossOrigin=None),
        *(test_passkey.assertion(challenge=asked, data=data(flags=flags)) for flags in (4, 1, 5, 255)),
        *(1, "x", {}, []),
    ]
    whole = test_passkey.assertion(challenge=asked)
    for name, value in whole.items():
        proofs += [{**whole, name: other} for other in ("", "AA", "!", None, "AB", f"{value}=")]
    for test in (
        test_passkey.test_anything_else_is_no,
        test_passkey.test_a_passkey_over_this_job_is_yes_and_names_key_and_site,
    ):
        proofs += [values[0] for _, values in parameters(test)]
    return [case(f"passkey {n}", F.told(job_created={"proof": proof})) for n, proof in enumerate(proofs)]


def hostile(count: int) -> list[Case]:
    """So many mutations of one bundle, the same in each run."""
    chance = random.Random(20261128)  # noqa: S311 seeded on purpose
    mutations = test_hostile.MUTATIONS
    return [
        case(f"mutation {n}", mutations[n % len(mutations)](chance), test_hostile.KEYS) for n in range(count)
    ]
