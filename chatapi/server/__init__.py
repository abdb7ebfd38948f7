"""Bytes from the network to WSGI and ASGI applications, and back."""
