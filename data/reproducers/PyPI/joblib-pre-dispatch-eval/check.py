"""Is the text given as `pre_dispatch` run as Python code?

The text may be a small sum over `n_jobs`. The argument is a text that calls a
function: it puts a mark on a list of our own. Nothing else happens.
"""
import os
import sys

from joblib import Parallel, delayed

# The evaluated text can see the module `sys` only, so the list is put there.
sys.flag = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def doubled(pre_dispatch):
    work = Parallel(n_jobs=2, backend="threading", pre_dispatch=pre_dispatch)
    return work(delayed(lambda number: 2 * number)(number) for number in range(4))


if doubled("2 * n_jobs") != [0, 2, 4, 6] or sys.flag:
    sys.exit("an ordinary sum over the jobs does not work")

try:
    doubled(sys.argv[1] if len(sys.argv) > 1 else "sys.flag.append(1) or n_jobs")
except Exception as error:
    print("refused: " + ascii(str(error)))
end(42 if sys.flag else 0)
