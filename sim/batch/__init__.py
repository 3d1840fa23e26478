"""Many runs: run keys, supervisor, store."""
