"""Writing endpoints of subscriptions to plans (Metronome 1.0)."""
