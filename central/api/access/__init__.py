"""The door of the API: who is let in, and the routes of users, keys and sessions."""
