"""Customers: what one is, and how they are narrowed, found, told apart and written as CSV."""
