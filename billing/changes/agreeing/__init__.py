"""What people say of a request: decide, withdraw, resolve. Nothing here reaches Metronome."""
