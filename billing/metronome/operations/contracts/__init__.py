"""Writing endpoints of contracts."""
