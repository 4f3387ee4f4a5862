"""Evaluation: test sets, restorers, decoupled metrics, statistics and structural complexity."""
