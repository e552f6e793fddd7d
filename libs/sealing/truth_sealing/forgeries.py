"""What the holder of one key can forge, and what anybody can change: for tests of those who must notice."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from truth_sealing.bundle import Bundle
from truth_sealing.canonical import Json, canonical, sha256_hex
from truth_sealing.keys import FileSigner
from truth_sealing.record import commitment, disclosure
from truth_sealing.samples import Keys, bundle, path, prove
from truth_sealing.sealed import read_record
from truth_sealing.steps import STEP_OWNERS, STEPS, History, Link, facts_of

SALT = "AAAAAAAAAAAAAAAAAAAAAA=="


@dataclass(frozen=True, slots=True)
class Forger:
    """Somebody with keys and one honest bundle made with them."""

    keys: Keys
    history: History
    whole: Bundle

    @classmethod
    def over(cls, keys: Keys) -> "Forger":
        """A forger over a fresh honest bundle."""
        history = path(keys)
        return cls(keys, history, bundle(keys, history))

    def edited(self, **members: Json) -> str:
        """The Record's text with other members, logged nowhere."""
        return canonical({**json.loads(self.whole.record), **members}).decode()

    def relogged(self, text: str, shown: Bundle | None = None) -> Bundle:
        """A bundle with another Record, logged as the holder of the log key can; `shown` is the rest."""
        proof = prove(read_record(text).entry, self.keys)
        return replace(shown or self.whole, record=text, proof=proof)

    def recorded(self, **members: Json) -> Bundle:
        """The honest path under a Record that says otherwise, logged."""
        return self.relogged(self.edited(**members))

    def told(self, **changes: Mapping[str, Json]) -> Bundle:
        """A bundle whose steps tell otherwise, the rest as honest services would derive it from that."""
        return bundle(self.keys, path(self.keys, changes))

    def with_links(self, change: Callable[[list[dict[str, Any]]], None]) -> Bundle:
        """The Record with a changed chain, logged; all bodies withheld, so that only the links speak."""
        chain = json.loads(self.whole.record)["chain"]
        change(chain)
        shown = replace(self.whole, steps=(None,) * len(STEPS), evidence={})
        return self.relogged(self.edited(chain=chain), shown)

    def with_body(self, step: str, **members: Json) -> Bundle:
        """One body edited, and nothing else."""
        steps, position = list(self.whole.steps), STEPS.index(step)
        steps[position] = canonical({**json.loads(steps[position] or ""), **members}).decode()
        return replace(self.whole, steps=tuple(steps))

    def resealed(self, step: str, change: Callable[[dict[str, Any]], object]) -> Bundle:
        """One body and its link changed by the holder of that step's key, the Record logged anew."""
        position = STEPS.index(step)
        body, chain = json.loads(self.history.steps[position]), json.loads(self.whole.record)["chain"]
        change(body)
        text, chain[position] = forged_step(body, self.keys.steps[STEP_OWNERS[step]])
        steps = (*self.history.steps[:position], text, *self.history.steps[position + 1 :])
        return self.relogged(self.edited(chain=chain), replace(self.whole, steps=steps))

    def disclosed(self, name: str, text: str) -> Bundle:
        """Another disclosure under `name`, and the Record that commits to it, logged."""
        commitments = {**json.loads(self.whole.record)["commitments"], name: commitment(text)}
        shown = {**self.whole.disclosures, name: text}
        return self.relogged(self.edited(commitments=commitments), replace(self.whole, disclosures=shown))

    def committed(self, change: Callable[[dict[str, str]], object]) -> Bundle:
        """Other commitments, the Record logged, and what is shown cut to fit."""
        commitments = json.loads(self.whole.record)["commitments"]
        change(commitments)
        kept = {name: text for name, text in self.whole.disclosures.items() if name in commitments}
        labels = {name: label for name, label in self.whole.evidence.items() if name in commitments}
        shown = replace(self.whole, disclosures=kept, evidence=labels)
        return self.relogged(self.edited(commitments=commitments), shown)


def disclosed_as(name: str, value: str) -> str:
    """A disclosure's text with a salt of zeros."""
    return disclosure(SALT, name, value)


def forged_step(body: Mapping[str, Json], signer: FileSigner) -> tuple[str, Link]:
    """A body's text and link that nothing checked: what the holder of a step key can sign."""
    text = canonical(dict(body))
    told: dict[str, Json] = {name: body[name] for name in ("step", "event_id", "at", "actor")}
    facts = facts_of(cast(str, body["step"]), body)
    link = signed_link({**told, "facts": facts, "sha256": sha256_hex(text)}, body, signer)
    return text.decode(), cast(Link, link)


def signed_link(link: Mapping[str, Json], body: Mapping[str, Json], signer: FileSigner) -> dict[str, Json]:
    """A link with a signature over whatever it says, for the request and predecessor that `body` names."""
    unsigned = {name: value for name, value in link.items() if name != "sig"}
    signed = {**unsigned, "request_id": body["request_id"], "prev": body["prev"]}
    signature = signer.sign(b"runtime-truth/step/v1\n" + canonical(signed))
    return {**unsigned, "sig": base64.b64encode(signature).decode()}
