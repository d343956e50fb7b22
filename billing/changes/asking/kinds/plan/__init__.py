"""What can be asked of a customer’s plans."""
