"""The gateway: the one place that knows Metronome's API and the SDK. No Django, no other room of ours."""
