"""An account from records: what a mirror holds of it, in the API's own read shapes, and back."""
