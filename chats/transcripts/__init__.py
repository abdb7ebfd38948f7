"""Transcripts: the chain of hashes, its keys, and the forms in which one is written."""
