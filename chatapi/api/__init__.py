"""Code that all endpoints of the API share."""
