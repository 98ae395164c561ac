"""Judge: what was observed becomes movements, questions and traces, in one order, for ever."""
