"""What commits, credits and grants hold, and which of them may pay for what."""
