"""Countersign: browse, propose, approve, apply."""

VERSION = "1.0.0"
