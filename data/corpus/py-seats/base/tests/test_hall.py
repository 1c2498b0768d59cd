import unittest

from seats import Hall, SeatError


class Halls(unittest.TestCase):
    def setUp(self):
        self.hall = Hall(["a1", "a2", "b1"])

    def test_book(self):
        self.hall.book("a1", "ann")
        self.assertEqual(self.hall.owner("a1"), "ann")
        self.assertEqual(self.hall.free(), ["a2", "b1"])

    def test_a_taken_seat(self):
        self.hall.book("a1", "ann")
        with self.assertRaises(SeatError):
            self.hall.book("a1", "bob")

    def test_no_such_seat(self):
        with self.assertRaises(SeatError):
            self.hall.book("z9", "ann")

    def test_move(self):
        self.hall.book("a1", "ann")
        self.hall.move("a1", "b1", "ann")
        self.assertEqual(self.hall.free(), ["a1", "a2"])

    def test_move_from_another(self):
        self.hall.book("a1", "ann")
        with self.assertRaises(SeatError):
            self.hall.move("a1", "b1", "bob")

    def test_cancel(self):
        self.hall.book("a1", "ann")
        self.hall.cancel("a1", "ann")
        self.assertEqual(self.hall.journal(), ["ann has a1", "ann gives a1 back"])

    def test_asked_for_each(self):
        asked = []
        hall = Hall(["a1", "a2"], asked.append)
        hall.book("a1", "ann")
        hall.move("a1", "a2", "ann")
        self.assertEqual(asked, ["a1", "a2"])


if __name__ == "__main__":
    unittest.main()
