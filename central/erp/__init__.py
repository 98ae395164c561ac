"""Other companies' programs that order goods and book them: what they send, what they are told."""
