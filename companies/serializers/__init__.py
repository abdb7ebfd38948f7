"""What the API accepts and returns, by noun."""
