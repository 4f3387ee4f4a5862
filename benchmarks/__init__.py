"""Scripts that measure what the pages in docs/ state; run from the root of the repository: python -m benchmarks.NAME"""
