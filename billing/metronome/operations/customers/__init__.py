"""Writing endpoints of customers."""
