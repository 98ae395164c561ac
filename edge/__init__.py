"""The agent at the goods: hears devices, folds, keeps on disk, and sends until central has it."""
