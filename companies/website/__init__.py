"""The pages of companies, for their members and the people they invite."""
