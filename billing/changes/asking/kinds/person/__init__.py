"""Changes of who may come in and what they may do: asked for by administrators, and carried out here."""
