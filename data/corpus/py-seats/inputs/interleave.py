"""Runs commands on a hall; 42 if one seat was given to two people.

A line is `book SEAT WHO`, `move FROM TO WHO`, `cancel SEAT WHO`, or two of these with `&` between
them: then the second begins, in a thread of its own, where the first has looked and not yet taken,
and has half a second to get as far as it can.
"""

import os
import sys
import threading

sys.path.insert(0, os.getcwd())
from seats import Hall, SeatError  # noqa: E402

WAIT_S = 0.5
given = []
meanwhile = []
threads = []


def asked(name):
    if meanwhile:
        thread = threading.Thread(target=do, args=(meanwhile.pop(),), daemon=True)
        threads.append(thread)
        thread.start()
        thread.join(WAIT_S)


def do(words):
    command, *rest = words
    try:
        getattr(hall, command)(*rest)
    except SeatError as error:
        said.append(f"refused: {error}")
        return
    said.append(" ".join(words))
    given.append(words)


said = []
hall = Hall(["a1", "a2", "a3", "b1", "b2"], asked)
with open(sys.argv[1], encoding="utf-8") as file:
    lines = file.read().splitlines()
for line in lines:
    first, _, second = line.partition("&")
    if second:
        meanwhile.append(second.split())
    do(first.split())
    for thread in threads:
        thread.join(2)
    meanwhile.clear()
    threads.clear()
print("\n".join(said))
print(hall.free(), hall.journal())
held = {}
twice = False
for command, *rest in given:
    seats, who = rest[:-1], rest[-1]
    if command != "book" and held.get(seats[0]) == who:
        held[seats[0]] = None
    if command != "cancel":
        twice |= held.get(seats[-1]) not in (None, who)
        held[seats[-1]] = who
sys.exit(42 if twice else 0)
