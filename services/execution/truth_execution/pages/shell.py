"""What lets the Desk open without a connection: worker, manifest, and a page of last resort."""

from importlib.resources import files

from fastapi import APIRouter, Request, Response
from truth_kit.pages import FrameDependency

router = APIRouter(tags=["pages"], include_in_schema=False)

# At the root, since a worker serves what lies beside it. The policy is its own: what it may fetch.
_WORKER = (files("truth_execution.pages") / "static" / "sw.js").read_bytes()
_WORKER_POLICY = {"Content-Security-Policy": "default-src 'none'; connect-src 'self'"}


@router.get("/sw.js")
async def send_worker() -> Response:
    """The service worker. It keeps pages readable, and sends nothing."""
    return Response(_WORKER, media_type="text/javascript", headers=_WORKER_POLICY)


@router.get("/manifest.webmanifest")
async def send_manifest(request: Request, frame: FrameDependency) -> Response:
    """What a phone needs to put the Desk among its apps."""
    return Response(frame.draw(request, "manifest.json"), media_type="application/manifest+json")


@router.get("/offline")
async def show_offline(request: Request, frame: FrameDependency) -> Response:
    """What the worker shows when a page is not on the phone."""
    return frame.show(request, "offline.html", person=None, menu=())
