"""What workers do with an agreed request: check, send, file, look, sweep."""
