"""Look up and lock accounts and tokens; check addresses."""
