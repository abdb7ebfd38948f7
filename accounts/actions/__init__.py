"""Every write to accounts, tokens and addresses, by noun."""
