"""The examples of the schema: one chat, its users, messages and events."""
