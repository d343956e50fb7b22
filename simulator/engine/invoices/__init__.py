"""What is billed when, line by line, and what balances and providers make of it."""
