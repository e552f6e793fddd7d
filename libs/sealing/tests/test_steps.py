"""Steps and links: a whole hand-off passes, and every way to break one is named."""

import base64
import copy
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from truth_sealing.canonical import Json, canonical, sha256_hex
from truth_sealing.keys import FileSigner, StepKeys
from truth_sealing.steps import (
    STEP_OWNERS,
    STEPS,
    History,
    check_hand_off,
    hand_off,
    history_of,
    seal_step,
)

SIGNERS: Mapping[str, FileSigner] = {n: FileSigner.generate(n) for n in ("intake", "governance", "execution")}
KEYS: StepKeys = {name: (signer.verify_key,) for name, signer in SIGNERS.items()}
SALT = base64.b64encode(bytes(16)).decode()
OWN_FACTS: Mapping[str, dict[str, Json]] = {
    "intake": {"maturity": "live", "surface": "kitchen-repairs"},
    "task_assigned": {"operator_id": "olga", "operator_name": "Olga"},
    "job_created": {"job": {"operator_id": "olga", "maturity": "live"}, "proof": None},
    "service_event_completed": {"outcome": "fulfilled", "evidence_missing": []},
}


def path_until(last: str, request_id: str = "r-1", minute: int = 0) -> History:
    """A whole path up to `last`, a minute between steps."""
    history = History()
    for position, step in enumerate(STEPS[: STEPS.index(last) + 1]):
        body: dict[str, Json] = {
            "type": f"truth.{step}.v1",
            "step": step,
            "event_id": f"{request_id}-{step}",
            "request_id": request_id,
            "at": f"2026-11-24T10:{minute + position:02d}:00.000Z",
            "actor": "person:ada",
            "salt": SALT,
            "prev": history.head,
            **OWN_FACTS.get(step, {}),
        }
        history = seal_step(body, history, SIGNERS[STEP_OWNERS[step]])
    return history


@pytest.mark.parametrize("last", STEPS)
def test_a_whole_path_passes_at_every_length(last: str) -> None:
    history = path_until(last)
    assert check_hand_off(hand_off(history), last, KEYS, every_signature=True) is None
    assert history_of(hand_off(history)) == history


def test_members_that_a_reader_does_not_know_are_digested_too() -> None:
    received = hand_off(path_until("intake"))
    received["added_by_a_newer_producer"] = "x"
    assert "digest" in (check_hand_off(received, "intake", KEYS) or "")


def resigned(link: dict[str, Any], body: Mapping[str, Json], signer: FileSigner) -> None:
    """Sign a link again, as the holder of a step key could."""
    unsigned = {name: value for name, value in link.items() if name != "sig"}
    message = canonical({**unsigned, "request_id": body["request_id"], "prev": body["prev"]})
    link["sig"] = base64.b64encode(signer.sign(b"runtime-truth/step/v1\n" + message)).decode()


def drop_a_step(received: dict[str, Any]) -> None:
    del received["steps"][1], received["chain"][1]


def swap_two_steps(received: dict[str, Any]) -> None:
    for name in ("steps", "chain"):
        received[name][1], received[name][2] = received[name][2], received[name][1]


def take_a_step_of_another_request(received: dict[str, Any]) -> None:
    other = path_until("job_created", "r-2")
    received["steps"][2], received["chain"][2] = other.steps[2], dict(other.chain[2])


def take_all_earlier_steps_of_another_request(received: dict[str, Any]) -> None:
    other = path_until("job_created", "r-2")
    received["steps"] = list(other.steps[:4])
    received["chain"][:4] = [dict(link) for link in other.chain[:4]]


def change_an_earlier_body(received: dict[str, Any]) -> None:
    received["steps"][0] = received["steps"][0].replace("person:ada", "person:eve")


def change_the_own_body(received: dict[str, Any]) -> None:
    received["job"]["operator_id"] = "otto"


def break_prev(received: dict[str, Any]) -> None:
    received["prev"] = "0" * 64
    own = {name: value for name, value in received.items() if name not in ("steps", "chain")}
    received["chain"][-1]["sha256"] = sha256_hex(canonical(own))
    resigned(received["chain"][-1], own, SIGNERS["governance"])


def sign_with_a_foreign_key(received: dict[str, Any]) -> None:
    own = {name: value for name, value in received.items() if name not in ("steps", "chain")}
    resigned(received["chain"][-1], own, SIGNERS["execution"])


def break_the_signature(received: dict[str, Any]) -> None:
    received["chain"][-1]["sig"] = base64.b64encode(bytes(64)).decode()


def write_nonsense_for_a_signature(received: dict[str, Any]) -> None:
    received["chain"][-1]["sig"] = "§"


def tell_other_facts(received: dict[str, Any]) -> None:
    received["chain"][-1]["facts"]["operator_id"] = "otto"


def name_another_actor_in_a_link(received: dict[str, Any]) -> None:
    received["chain"][2]["actor"] = "person:eve"


def add_space_to_a_text(received: dict[str, Any]) -> None:
    received["steps"][0] = received["steps"][0].replace(":", ": ", 1)


def withhold_a_text(received: dict[str, Any]) -> None:
    received["steps"][0] = None


def leave_out_the_chain(received: dict[str, Any]) -> None:
    del received["chain"]


def leave_out_the_texts(received: dict[str, Any]) -> None:
    del received["steps"]


def write_a_double(received: dict[str, Any]) -> None:
    received["job"]["weight"] = 0.5


@pytest.mark.parametrize(
    ("forge", "check"),
    [
        (drop_a_step, "order"),
        (swap_two_steps, "order"),
        (take_a_step_of_another_request, "request_id"),
        (take_all_earlier_steps_of_another_request, "request_id"),
        (change_an_earlier_body, "digest"),
        (change_the_own_body, "digest"),
        (break_prev, "prev"),
        (sign_with_a_foreign_key, "signature"),
        (break_the_signature, "signature"),
        (write_nonsense_for_a_signature, "signature"),
        (tell_other_facts, "facts"),
        (name_another_actor_in_a_link, "link"),
        (add_space_to_a_text, "text"),
        (withhold_a_text, "text"),
        (leave_out_the_chain, "chain"),
        (leave_out_the_texts, "order"),
        (write_a_double, "text"),
    ],
)
def test_a_broken_hand_off_names_the_failed_check(
    forge: Callable[[dict[str, Any]], None], check: str
) -> None:
    received = copy.deepcopy(cast("dict[str, Any]", hand_off(path_until("job_created"))))
    forge(received)
    broken = check_hand_off(received, "job_created", KEYS)
    assert broken is not None
    assert broken.startswith(check + ":")


def test_a_step_may_lie_five_minutes_before_the_one_before_it_and_no_more() -> None:
    def claimed(minute: int) -> dict[str, Json]:
        history = path_until("job_created", minute=10)
        body: dict[str, Json] = {
            "type": "truth.jobs.claimed.v1",
            "step": "job_claimed",
            "event_id": "e",
            "request_id": "r-1",
            "at": f"2026-11-24T10:{minute:02d}:00.000Z",
            "actor": "person:olga",
            "salt": SALT,
            "prev": history.head,
        }
        return hand_off(seal_step(body, history, SIGNERS["execution"]))

    assert check_hand_off(claimed(9), "job_claimed", KEYS) is None
    assert "time" in (check_hand_off(claimed(8), "job_claimed", KEYS) or "")


def test_a_time_in_the_first_year_breaks_the_chain_and_nothing_else() -> None:
    body: dict[str, Json] = {
        "type": "truth.requests.received.v1", "step": "request", "event_id": "e", "request_id": "r-1",
        "at": "0001-01-01T00:00:00.000Z", "actor": "person:ada", "salt": SALT, "prev": None,
    }  # fmt: skip
    history = seal_step(body, History(), SIGNERS["intake"])
    intake: dict[str, Json] = {**body, "step": "intake", "prev": history.head, **OWN_FACTS["intake"]}
    history = seal_step(intake, history, SIGNERS["intake"])
    assert check_hand_off(hand_off(history), "intake", KEYS) is None
    late: dict[str, Json] = {
        **body,
        "step": "task_approved",
        "prev": history.head,
        "at": "9999-12-31T23:59:59.999Z",
    }
    history = seal_step(late, history, SIGNERS["governance"])
    back: dict[str, Json] = {
        **body,
        "step": "task_assigned",
        "prev": history.head,
        **OWN_FACTS["task_assigned"],
    }
    history = seal_step(back, history, SIGNERS["governance"])
    assert "time" in (check_hand_off(hand_off(history), "task_assigned", KEYS) or "")


def test_an_earlier_signature_is_checked_only_when_every_one_is_asked_for() -> None:
    received = cast("dict[str, Any]", hand_off(path_until("job_created")))
    received["chain"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    assert check_hand_off(received, "job_created", KEYS) is None
    assert "request" in (check_hand_off(received, "job_created", KEYS, every_signature=True) or "")


def test_a_key_signs_only_its_owners_steps() -> None:
    with pytest.raises(ValueError, match="does not own"):
        seal_step({"step": "request", "prev": None}, History(), SIGNERS["governance"])


def test_a_step_out_of_turn_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="expected the body"):
        seal_step({"step": "intake", "prev": None}, History(), SIGNERS["intake"])


def test_a_later_decision_takes_the_place_of_an_earlier_one() -> None:
    history = path_until("task_assigned")
    approved = history.until("task_approved")
    assert approved.chain == history.chain[:3]
    assert history.link("task_assigned")["facts"] == {"operator_id": "olga"}
    with pytest.raises(KeyError):
        approved.body("task_assigned")
