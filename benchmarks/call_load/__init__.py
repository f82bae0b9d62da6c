"""The parts of `benchmarks/calls.py`: an Asterisk, five ways to serve one IVR, callers, clocks."""
