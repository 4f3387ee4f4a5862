"""The judgement of a study: results, curves, turning points and verdicts."""
