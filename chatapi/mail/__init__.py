"""Mail: requests write rows, and workers send them."""
