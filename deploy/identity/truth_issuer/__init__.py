"""A small development issuer: OpenID Connect for a laptop, loopback only, with people to pick from."""
