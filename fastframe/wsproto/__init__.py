"""wsproto on fastframe: everything that is about wsproto."""
