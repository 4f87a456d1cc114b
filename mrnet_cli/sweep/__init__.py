"""J&F and seconds per frame over k, n and size: `mrnet predict` and `mrnet evaluate` at every point of a grid."""
