"""The bodies and queries of the API of chats: one module per noun."""
