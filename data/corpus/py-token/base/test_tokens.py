import unittest

from tokens import TokenError, check, make

KEY = b"key of the tests"


class Tokens(unittest.TestCase):
    def refused(self, token, why, now=50):
        with self.assertRaisesRegex(TokenError, why):
            check(KEY, token, now)

    def test_good(self):
        self.assertEqual(check(KEY, make(KEY, "ann", 100), 50), "ann")

    def test_capital_digits(self):
        name, expires, given = make(KEY, "ann", 100).split(".")
        self.assertEqual(check(KEY, f"{name}.{expires}.{given.upper()}", 50), "ann")

    def test_expired(self):
        self.refused(make(KEY, "ann", 100), "expired", now=100)

    def test_another_name(self):
        self.refused(make(KEY, "ann", 100).replace("ann", "bob"), "wrong signature")

    def test_another_key(self):
        self.refused(make(b"another", "ann", 100), "wrong signature")

    def test_parts(self):
        self.refused("ann.100", "three parts")
        self.refused("ann.never.00", "bad parts")
        self.refused("ann.100.xyz", "bad signature")

    def test_names(self):
        with self.assertRaises(ValueError):
            make(KEY, "a.b", 100)


if __name__ == "__main__":
    unittest.main()
