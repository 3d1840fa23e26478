"""What a controller may know: vehicles become Arrivals."""
