"""The OpenAPI schema of the routes, by noun."""
