import tempfile
import unittest

from sessions import SessionError, Store, decode, encode


class Codec(unittest.TestCase):
    def test_there_and_back(self):
        session = {"user": "ann", "visits": 3, "ok": True, "cart": [{"id": 7}], "x": None, "f": 1.5}
        self.assertEqual(decode(encode(session)), session)

    def test_any_letters(self):
        self.assertEqual(decode(encode({"user": "Zoë €"})), {"user": "Zoë €"})

    def test_no_session(self):
        with self.assertRaises(SessionError):
            decode("hello")

    def test_no_dict(self):
        with self.assertRaises(SessionError):
            decode(encode([1, 2]))

    def test_too_long(self):
        with self.assertRaises(SessionError):
            decode("x" * 20_000)

    def test_sessions_of_older_releases(self):
        self.assertEqual(decode("(dp0\nVuser\np1\nVann\np2\ns."), {"user": "ann"})


class Stores(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.store = Store(scratch.name)

    def test_save_and_load(self):
        self.store.save("k1", {"a": 1})
        self.assertEqual(self.store.load("k1"), {"a": 1})

    def test_none_there(self):
        self.assertEqual(self.store.load("k2"), {})

    def test_bad_key(self):
        with self.assertRaises(SessionError):
            self.store.load("../k")


if __name__ == "__main__":
    unittest.main()
