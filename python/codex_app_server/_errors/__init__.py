"""The classes of all errors. The tree of them is drawn in `errors`, which exports them."""
