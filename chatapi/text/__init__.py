"""Rules for text that people enter."""
