"""The OpenAPI descriptions of the routes of chats: one module per noun."""
