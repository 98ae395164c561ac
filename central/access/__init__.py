"""Who may do what, and where: users, sessions, keys, roles, and what each role may."""
