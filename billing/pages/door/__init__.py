"""The door: who comes in, by what, how often somebody may try, and what of it goes on record."""
