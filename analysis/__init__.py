"""Peeling, density evolution and percolation on arrays: no I/O, no store, no printing."""
