"""The realm that Keycloak imports: deploy/identity/realm.json, with a deployment's secrets and addresses."""

import json
from pathlib import Path
from typing import Any

from truth_issuer.settings import Client

from truth_local.layout import Layout
from truth_local.passwords import password

_SOURCE = Path(__file__).parents[2] / "identity" / "realm.json"


def filled(layout: Layout, clients: dict[str, Client]) -> str:
    """The realm as JSON: each client's secret and addresses, and a random password for each person.

    Raises KeyError when the realm names a client that is none of ours.
    """
    realm: dict[str, Any] = json.loads(_SOURCE.read_bytes())
    for client in realm["clients"]:
        ours = clients[client["clientId"]]
        client |= {"secret": ours.secret, "redirectUris": list(ours.redirect_uris)}
    for person in realm["users"]:
        if "serviceAccountClientId" not in person:
            word = password(layout.secrets / "people" / person["username"])
            person["credentials"] = [{"type": "password", "value": word, "temporary": False}]
    return json.dumps(realm, indent=1)
