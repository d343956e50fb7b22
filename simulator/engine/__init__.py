"""What the account does by its own rules: prices, balances, invoices."""
