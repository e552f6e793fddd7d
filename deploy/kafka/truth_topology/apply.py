"""Makes a broker agree with the contracts. Adds and changes; never deletes a topic, a right or a user."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from truth_topology.broker import alter_settings, create_grants, create_topics, observe, set_passwords
from truth_topology.connection import Login, answers, connected
from truth_topology.plan import Plan, compare
from truth_topology.topology import Size, Topology, desired

_LOGIN_SECONDS = 30
_POLL_SECONDS = 0.1


class TopologyRefusedError(RuntimeError):
    """The broker is in a state that `apply` will not build on; the message lists why."""


class LoginTimeoutError(RuntimeError):
    """A user was made, but the broker did not let it in in time."""


def make_plan(admin: Login, size: Size) -> Plan:
    """What `apply` would do to this broker. Raises BrokerError when it is away or refuses the login."""
    return compare(observe(connected(admin), _settings(desired(size))), desired(size))


def apply(
    admin: Login,
    size: Size,
    passwords: Mapping[str, str],
    *,
    may_lose: bool = False,
    users_at: Login | None = None,
) -> Plan:
    """Create topics, rights and users that are missing, change settings that differ, return what was done.

    `passwords` by user: every one given is set, also for a user who exists. Returns once they can log in,
    where the administrator does or, if that is another listener, at `users_at`.
    Safe to repeat, and to go on after a crash in the middle. Retention is lowered only with `may_lose`.
    Raises TopologyRefusedError when the plan refuses the broker, or for a missing user without a password.
    """
    broker, wanted = connected(admin), desired(size)
    plan = compare(observe(broker, _settings(wanted)), wanted)
    refused = [
        *plan.refused,
        *(f"no password for the new user {user}" for user in plan.users if user not in passwords),
    ]
    if not may_lose:
        refused += [f"would throw messages away: {setting}" for setting in plan.loses]
    if refused:
        raise TopologyRefusedError("\n".join(refused))
    create_topics(broker, plan.topics, wanted, size)
    alter_settings(broker, plan.settings)
    create_grants(broker, plan.grants)
    set_passwords(broker, passwords)
    logins = [
        replace(users_at or admin, username=user, password=password) for user, password in passwords.items()
    ]
    with ThreadPoolExecutor(max(1, len(logins))) as pool:
        list(pool.map(_wait_login, logins))
    return plan


def _settings(topology: Topology) -> frozenset[str]:
    return frozenset(name for topic in topology.topics.values() for name in topic.config)


def _wait_login(login: Login) -> None:
    deadline = time.monotonic() + _LOGIN_SECONDS
    while not answers(login):
        if time.monotonic() > deadline:
            raise LoginTimeoutError(f"{login.username} cannot log in at {login.bootstrap}.")
        time.sleep(_POLL_SECONDS)
