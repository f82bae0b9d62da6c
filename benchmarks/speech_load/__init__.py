"""The parts of `benchmarks/speech.py`: parties that speak, ears that listen, and the arithmetic."""
