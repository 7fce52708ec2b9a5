"""Studies: the same recipe with other losses, images and seeds, side by side."""
