"""Metronome's things, a noun a file: what it says of one, and where it is read."""
