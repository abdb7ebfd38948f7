"""How processes notify each other."""
