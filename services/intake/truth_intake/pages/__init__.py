"""What people see of intake: the form, the tracker, the intake page, surfaces, refused messages."""
