"""What is watched, and when it alarms."""
