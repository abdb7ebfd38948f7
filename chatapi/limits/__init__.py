"""Limits on how often, and how much at once, a caller may request."""
