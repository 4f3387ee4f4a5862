"""The report of a study: page, figures, tables and pictures."""
