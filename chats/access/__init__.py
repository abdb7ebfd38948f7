"""Which rows a caller may see: one module per noun."""
