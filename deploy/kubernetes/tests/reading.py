"""Reads manifests as objects."""

from pathlib import Path
from typing import Any, cast

import yaml

FOLDER = Path(__file__).parents[1]
Object = dict[str, Any]


def documents(text: str) -> list[Object]:
    """The objects of a YAML stream."""
    return [cast(Object, found) for found in yaml.safe_load_all(text) if found is not None]


def read(*path: str) -> list[Object]:
    """The objects of one file below deploy/kubernetes."""
    return documents(FOLDER.joinpath(*path).read_text())


def settings(service: str) -> dict[str, str]:
    """What a service's folder puts into its environment."""
    lines = (FOLDER / "services" / service / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def files() -> list[Path]:
    """Every manifest and settings file."""
    found = [path for path in FOLDER.rglob("*") if path.suffix in {".yaml", ".env"}]
    return sorted(path for path in found if "tests" not in path.parts)


def containers(deployment: Object) -> list[Object]:
    """Init containers and containers of a Deployment."""
    pod = deployment["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def mounted(deployment: Object) -> set[str]:
    """The paths of all files that the Deployment's volumes bring, seen from its init container."""
    pod = deployment["spec"]["template"]["spec"]
    places = {
        mount["name"]: mount["mountPath"] for one in containers(deployment) for mount in one["volumeMounts"]
    }
    found: set[str] = set()
    for volume in pod["volumes"]:
        sources = [volume] if "secret" in volume else volume.get("projected", {}).get("sources", [])
        for source in sources:
            brought = source.get("secret") or source["configMap"]
            found |= {f"{places[volume['name']]}/{item['path']}" for item in brought["items"]}
    return found
