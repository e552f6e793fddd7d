"""The operators and surfaces of the local system, registered through the services' own doors."""

import httpx
from truth_issuer.people import PEOPLE

from truth_local.processes import StartError
from truth_local.system import System

_REQUEST_SECONDS = 15
SURFACES: dict[str, dict[str, object]] = {
    "kitchen-repairs": {
        "title": "Kitchen repairs",
        "maturity": "live",
        "stages": [
            {"name": "inspect", "evidence_required": True},
            {"name": "repair", "evidence_required": True},
            {"name": "hand-over", "evidence_required": False},
        ],
    },
    "roof-inspections": {
        "title": "Roof inspections",
        "maturity": "partial",
        "stages": [{"name": "inspect", "evidence_required": True}],
    },
    "garden-care": {"title": "Garden care", "maturity": "planned", "stages": []},
}


def register(system: System) -> None:
    """PUT every operator and surface, as an admin; again changes nothing. Raises StartError when refused."""
    headers = {"Authorization": f"Bearer {system.token('ada')}"}
    with httpx.Client(headers=headers, timeout=_REQUEST_SECONDS, trust_env=False) as client:
        for person in PEOPLE.values():
            if "operator" in person.roles:
                url = f"{system.urls['governance']}/api/operators/{person.subject}"
                _put(client, url, {"name": person.name, "active": True})
        for name, surface in SURFACES.items():
            _put(client, f"{system.urls['intake']}/api/surfaces/{name}", surface)


def _put(client: httpx.Client, url: str, body: dict[str, object]) -> None:
    try:
        answer = client.put(url, json=body)
    except httpx.HTTPError as error:
        raise StartError(f"PUT {url} failed: {error}") from error
    if not answer.is_success:
        raise StartError(f"PUT {url} was refused: {answer.status_code} {answer.text}")
