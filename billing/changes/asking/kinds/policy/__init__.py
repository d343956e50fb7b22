"""What can be asked of the approval policy."""
