"""Which companies, members, invitations and replies a caller may see, and locks on them."""
