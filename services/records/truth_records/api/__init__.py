"""HTTP in: Records and bundles, the public log, and how this service is doing."""
