"""Writing endpoints of billing provider configurations."""
