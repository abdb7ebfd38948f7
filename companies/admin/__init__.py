"""Companies and their members, for staff."""

from companies.admin import companies, members

__all__ = ["companies", "members"]
