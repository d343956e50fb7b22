"""What can be asked of a customer."""
