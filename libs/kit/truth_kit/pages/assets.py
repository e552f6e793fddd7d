"""Files whose address names their content, so that browsers keep them for ever."""

import hashlib
from pathlib import Path

from fastapi import APIRouter, Response
from truth_contracts.refusals import Refusal

from truth_kit.problems import Refused

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".webp": "image/webp"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_DIGEST_CHARACTERS = 16


class Assets:
    """The files of one folder, held in memory; a folder that is not there has none."""

    def __init__(self, prefix: str, folder: Path) -> None:
        self._files = {
            file.name: file.read_bytes() for file in sorted(folder.glob("*")) if file.suffix in _KINDS
        }
        content = hashlib.sha256()
        for name, octets in self._files.items():
            content.update(f"{name} {len(octets)} ".encode() + octets)
        self._prefix, self._digest = prefix, content.hexdigest()[:_DIGEST_CHARACTERS]

    def url(self, name: str) -> str:
        """The address of a file; KeyError for one that is not there: no page is drawn with a dead link."""
        self._files[name]
        return f"/{self._prefix}/{self._digest}/{name}"

    def router(self) -> APIRouter:
        """GET each file, under this content's address and no other."""
        router = APIRouter(include_in_schema=False)

        @router.get(f"/{self._prefix}/{{digest}}/{{name}}")
        async def find_asset(digest: str, name: str) -> Response:  # pyright: ignore[reportUnusedFunction] the decorator uses it
            octets = self._files.get(name) if digest == self._digest else None
            if octets is None:
                raise Refused(Refusal("not_found", "There is no such file in this release."))
            return Response(octets, media_type=_KINDS[Path(name).suffix], headers=_FOR_EVER)

        return router
