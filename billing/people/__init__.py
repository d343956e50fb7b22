"""People beyond their sign-in: what they gave their scripts to come in with."""
