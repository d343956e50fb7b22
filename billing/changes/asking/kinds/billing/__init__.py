"""What can be asked of how a customer is billed."""
