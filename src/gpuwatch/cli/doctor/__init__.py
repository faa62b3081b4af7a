"""Doctor: what is amiss with gpuwatch itself on this host, a line for each, with the way out."""
