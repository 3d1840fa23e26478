"""Controllers: registry, versioned specs, thin objects over kernels."""
