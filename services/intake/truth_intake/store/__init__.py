"""Queries, each a function of a connection: `tx` inside a transaction, `conn` outside one."""
