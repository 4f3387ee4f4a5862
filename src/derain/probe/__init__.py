"""The rain response map: which rain a network removes and which it ignores (docs/how-to/probe.md)."""
