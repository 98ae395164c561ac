"""The Abacus AB-1 counting scale, heard by Tallyport."""
