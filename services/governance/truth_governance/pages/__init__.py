"""What people see of governance: the queue, a Task, Create Job, their passkeys."""
