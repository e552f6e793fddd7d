"""Intake's rules, pure: what a submission is, when it becomes an Intake, surfaces, questions, the tracker."""
