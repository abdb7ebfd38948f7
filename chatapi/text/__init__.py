"""The form of what people write."""
