"""A portal's pass after it was decided: what stands of it, and putting right what is wrong."""
