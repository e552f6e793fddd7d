"""The choice between the back ends."""

from truth_kit.blobs.folder import Folder
from truth_kit.blobs.promise import Blobs
from truth_kit.connections import BlobStore


def blobs_at(settings: BlobStore) -> Blobs:
    """The store that the settings name. Nothing is touched or dialled yet."""
    if settings.folder is not None:
        return Folder(settings.folder)
    from truth_kit.blobs.s3 import S3  # noqa: PLC0415 only services that keep evidence install what it needs

    return S3(settings)
