"""How one process notifies another."""
