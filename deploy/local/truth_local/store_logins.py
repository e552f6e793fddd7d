"""Logins at the S3 server of deploy/s3.yml: execution, and records, which reads both buckets."""

import json

from truth_local.layout import Layout
from truth_local.passwords import password

_RIGHTS = {
    "execution": ("Read:truth-execution", "Write:truth-execution", "List:truth-execution"),
    "records": ("Read:truth-execution", "Read:truth-records", "Write:truth-records", "List:truth-records"),
}


def identities(layout: Layout) -> str:
    """As SeaweedFS reads them; makes the keys that are missing, in files `<service>-id` and `-secret`."""
    folder = layout.secrets / "store"
    told = [
        {
            "name": service,
            "credentials": [
                {
                    "accessKey": password(folder / f"{service}-id"),
                    "secretKey": password(folder / f"{service}-secret"),
                }
            ],
            "actions": rights,
        }
        for service, rights in _RIGHTS.items()
    ]
    return json.dumps({"identities": told})
