"""Mail: a row first, then a worker."""
