"""A running batch in the browser: its folder read once a second, and a server on loopback."""
