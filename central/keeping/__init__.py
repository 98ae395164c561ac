"""Keep: backups, digests told outside, and everything that can be found wrong with books."""
