"""The names of people."""


def name_of(first_name: str, last_name: str, email: str) -> str:
    """The full name, or the local part of the address."""
    return f"{first_name} {last_name}".strip() or email.partition("@")[0]
