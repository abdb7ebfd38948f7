"""The pages of chats: a visitor's chat, the agents' inbox, the overview of a company."""
