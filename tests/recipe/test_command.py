"""`deit-spec validate` on recipes."""
