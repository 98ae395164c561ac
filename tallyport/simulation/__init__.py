"""The whole road under one seeded scheduler in virtual time, with every fault we can think of."""
