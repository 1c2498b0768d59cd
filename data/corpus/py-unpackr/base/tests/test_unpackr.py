import os
import tempfile
import unittest

from unpackr import BundleError, extract, read_bundle


class Reading(unittest.TestCase):
    def test_two_files(self):
        self.assertEqual(read_bundle("== a\n1\n== b\n2\n3\n"), [("a", "1\n"), ("b", "2\n3\n")])

    def test_nothing(self):
        self.assertEqual(read_bundle(""), [])

    def test_text_before_a_file(self):
        with self.assertRaises(BundleError):
            read_bundle("hello\n== a\n")

    def test_no_name(self):
        with self.assertRaises(BundleError):
            read_bundle("== \n")


class Extracting(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = self.scratch.name

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def test_folders_are_made(self):
        self.assertEqual(extract("== docs/a.txt\nhi\n", self.folder), ["docs/a.txt"])
        self.assertEqual(self.read("docs/a.txt"), "hi\n")

    def test_backslashes_divide(self):
        extract("== docs\\b.txt\nhi\n", self.folder)
        self.assertEqual(self.read("docs/b.txt"), "hi\n")

    def test_nothing_is_overwritten(self):
        extract("== a\n1\n", self.folder)
        with self.assertRaises(BundleError):
            extract("== a\n2\n", self.folder)
        extract("== a\n3\n", self.folder, overwrite=True)
        self.assertEqual(self.read("a"), "3\n")


if __name__ == "__main__":
    unittest.main()
