"""What is agreed with a customer, and how that begins, changes and ends."""
