"""The console for the person who logs in at night; a client of the control API and nothing else."""
