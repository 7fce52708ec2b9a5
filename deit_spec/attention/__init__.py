"""What a model looks at: maps of its attention over the patches of an image."""
