import unittest

from ignorelist import IgnoreList, matches


class Matching(unittest.TestCase):
    def test_plain(self):
        self.assertTrue(matches("a.txt", "a.txt"))
        self.assertFalse(matches("a.txt", "a.txtx"))

    def test_star(self):
        self.assertTrue(matches("*.txt", ".txt"))
        self.assertTrue(matches("a*b*c", "axxbxbc"))
        self.assertFalse(matches("a*b*c", "acb"))

    def test_question(self):
        self.assertTrue(matches("a?c", "abc"))
        self.assertFalse(matches("a?", "a"))

    def test_escape(self):
        self.assertTrue(matches(r"a\*", "a*"))
        self.assertFalse(matches(r"a\*", "ab"))

    def test_nothing(self):
        self.assertTrue(matches("", ""))
        self.assertTrue(matches("*", ""))
        self.assertFalse(matches("?", ""))


class Lists(unittest.TestCase):
    def test_the_last_decides(self):
        rules = IgnoreList("*.log\n!keep.log\n")
        self.assertTrue(rules.ignores("x/a.log"))
        self.assertFalse(rules.ignores("keep.log"))

    def test_folders(self):
        self.assertTrue(IgnoreList("build/").ignores("src/build/x.o"))

    def test_whole_paths(self):
        self.assertTrue(IgnoreList("src/*.o").ignores("src/x.o"))
        self.assertFalse(IgnoreList("lib/*.o").ignores("src/x.o"))


if __name__ == "__main__":
    unittest.main()
