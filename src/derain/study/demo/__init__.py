"""The same small network trained on few and on many backgrounds, and what each does to rain it never saw."""
