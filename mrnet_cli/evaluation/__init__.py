"""J and F by the rules of DAVIS and of other benchmarks; nothing here imports torch."""
