"""Pictures: files as arrays, pairs of them, and background patches."""
