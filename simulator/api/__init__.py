"""One module a resource: each handler says which route it answers."""
