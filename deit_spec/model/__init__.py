"""What a model is besides its weights: its preprocessing and its class names."""
