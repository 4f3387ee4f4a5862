"""The run of a study: tasks, executors, one training, and the store of results."""
