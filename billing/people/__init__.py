"""People beyond their sign-in: their ways back in, their sessions, and what they gave their scripts."""
