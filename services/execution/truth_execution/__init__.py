"""The operator's Desk: Jobs, ServiceEvents and evidence."""
