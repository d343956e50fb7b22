"""What can be asked for about a contract."""
