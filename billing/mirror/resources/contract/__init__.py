"""Contracts: what one is, and how they are narrowed, found and told of."""
