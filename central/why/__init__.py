"""Why did this post? The stages of a decision, as they were when it was made."""
