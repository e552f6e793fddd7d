"""Says before a release whether it may go out or back, and lays down what a release was."""
