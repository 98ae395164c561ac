"""The screens: server-rendered pages that stay live."""
