"""How to test a program of one's own, without a login and without a network."""
