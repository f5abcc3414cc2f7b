"""How the package presents itself: what its import loads, what is said when that fails, and its alias."""
