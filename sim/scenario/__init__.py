"""What to run: TOML files and .sumocfg become validated scenarios."""
