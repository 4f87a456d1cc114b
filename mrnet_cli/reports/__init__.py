"""Published numbers, and the pictures that set measured ones beside them."""
