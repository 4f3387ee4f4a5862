"""Support: files, randomness, tables, devices, processes, progress and pages; nothing here knows of rain."""
