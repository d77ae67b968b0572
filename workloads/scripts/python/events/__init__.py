"""The work of workloads that wait, as coroutines for the mode 'events'. Python 3.7 and later read it."""
