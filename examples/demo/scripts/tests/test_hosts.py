import unittest

from hosts import ascii_name, tables_of


class Hosts(unittest.TestCase):
    def test_a_name_is_written_in_letters_of_ascii(self):
        self.assertEqual(ascii_name("Bücher.example"), "xn--bcher-kva.example")

    def test_a_name_of_ascii_stays(self):
        self.assertEqual(ascii_name("night.example"), "night.example")

    def test_a_query_names_its_tables(self):
        self.assertEqual(tables_of("SELECT * FROM hosts, nights"), ["hosts", "nights"])
        self.assertEqual(tables_of("SELECT 1"), [])


if __name__ == "__main__":
    unittest.main()
