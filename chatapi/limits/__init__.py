"""How often, and how much at once, a caller may ask."""
