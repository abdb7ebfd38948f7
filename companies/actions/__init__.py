"""Every write to companies, members, invitations and replies, by noun."""
