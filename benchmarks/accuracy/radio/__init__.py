"""Whether the emulated radio is worth believing: its noise and simple rules' scores beside real."""
