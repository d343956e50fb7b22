"""A Metronome that runs here: the official shapes, rules and error texts, in memory. See README.md."""
