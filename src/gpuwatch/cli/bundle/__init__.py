"""Bundle: the archive of `gpuwatch evidence`, from one document to files that prove themselves."""
