"""Export of a model to a file that another runtime opens."""
