"""Bytes kept by their SHA-256: written once, never changed. In a folder, or in an S3 bucket.

`blobs_at` makes the one that the settings name. `s3` needs the extra `truth-kit[s3]`.
"""

from truth_kit.blobs.chosen import blobs_at
from truth_kit.blobs.folder import Folder
from truth_kit.blobs.promise import CHUNK_BYTES, Blobs, StoreError

__all__ = ["CHUNK_BYTES", "Blobs", "Folder", "StoreError", "blobs_at"]
