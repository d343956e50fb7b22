"""Writing endpoints of custom field values."""
