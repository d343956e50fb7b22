"""The control plane: what moves a simulator from outside, by command and by page."""
