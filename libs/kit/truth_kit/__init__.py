"""What five services would each write the same: consume, inbox, outbox, relay, lifecycle, sign-in checks."""
