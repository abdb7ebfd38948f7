"""The web server: connections, requests and their way to Django."""
