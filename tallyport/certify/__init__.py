"""A site's certificate: how right one portal is, measured where it hangs."""
