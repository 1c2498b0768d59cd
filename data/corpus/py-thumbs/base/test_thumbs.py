import tempfile
import unittest

from thumbs import Maker, output_name, parse_list


class Lists(unittest.TestCase):
    def test_names(self):
        self.assertEqual(parse_list("a.png\n\n# no\nb.png\n"), [("a.png", "64"), ("b.png", "64")])

    def test_sizes(self):
        self.assertEqual(parse_list("a.png | 128\n"), [("a.png", "128")])

    def test_output_names(self):
        self.assertEqual(output_name("a.png"), "a.small.png")
        self.assertEqual(output_name("a"), "a.small")
        self.assertEqual(output_name(".rc"), ".rc.small")


class Making(unittest.TestCase):
    def maker(self, tool):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        return Maker(tool, scratch.name)

    def test_what_the_tool_says(self):
        self.assertEqual(self.maker("echo").make("a.png", "32"), "32 a.png a.small.png")

    def test_a_name_with_spaces(self):
        self.assertEqual(self.maker("echo").make("my cat.png"), "64 my cat.png my cat.small.png")

    def test_a_tool_that_fails(self):
        self.assertIsNone(self.maker("false").make("a.png"))

    def test_all(self):
        lines = self.maker("echo").make_all("a\nb | 9\n")
        self.assertEqual(lines, ["a: 64 a a.small", "b: 9 b b.small"])


if __name__ == "__main__":
    unittest.main()
