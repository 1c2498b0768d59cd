"""The seats of a hall, booked by several threads."""

import threading


class SeatError(Exception):
    """A seat that cannot be had."""


class Hall:
    """Each seat has one owner at most.

    `asked` is called between looking at a seat and taking it, with the seat's name: the place for
    a question to the payment service.
    """

    def __init__(self, names, asked=None):
        self._owners = {name: None for name in names}
        self._asked = asked or (lambda name: None)
        self._journal = []
        self._lock = threading.RLock()

    def owner(self, name):
        if name not in self._owners:
            raise SeatError(f"no seat {name}")
        return self._owners[name]

    def free(self):
        return sorted(name for name, owner in self._owners.items() if owner is None)

    def journal(self):
        with self._lock:
            return list(self._journal)

    def _note(self, text):
        with self._lock:
            self._journal.append(text)

    def book(self, name, who):
        """Gives a free seat to somebody."""
        if self.owner(name) is not None:
            raise SeatError(f"{name} is taken")
        self._asked(name)
        self._owners[name] = who
        self._note(f"{who} has {name}")

    def move(self, name, to, who):
        """Takes somebody from a seat of theirs to a free one."""
        if self.owner(name) != who:
            raise SeatError(f"{name} is not of {who}")
        if self.owner(to) is not None:
            raise SeatError(f"{to} is taken")
        self._asked(to)
        self._owners[name] = None
        self._owners[to] = who
        self._note(f"{who} has {to}")

    def cancel(self, name, who):
        with self._lock:
            if self.owner(name) != who:
                raise SeatError(f"{name} is not of {who}")
            self._owners[name] = None
            self._note(f"{who} gives {name} back")
