"""History: what gpuwatch remembers about every board, in SQLite."""
