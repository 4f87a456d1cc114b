"""J&F and seconds per frame over k and n: `mrnet predict` and `mrnet evaluate` at every point of a grid."""
