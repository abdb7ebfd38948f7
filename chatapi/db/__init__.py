"""What the ORM and its databases lack."""
