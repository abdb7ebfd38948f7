"""What the API shows of chats, takes for them, and is asked for."""
