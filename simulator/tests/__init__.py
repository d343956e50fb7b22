"""How the simulator is judged: from outside, over HTTP and by the official SDK, and by its own books."""
