"""Matrix Synapse beside us: a chat server that is written in Python too."""
