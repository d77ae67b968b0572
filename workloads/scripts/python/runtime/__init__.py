"""What a workload in Python is around its workload: options, modes, clocks, the result line. The same
options, the same work and the same line as the C workloads have (workloads/runtime), so that the runner
cannot tell them apart. One source for CPython 2.7 to 3.14, PyPy and Jython."""
import os
import sys

# A workload has the name of a module of the library (queue): the library comes first.
FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != FOLDER] + [FOLDER]

from runtime.clocks import PRINT_NOW, now_ns  # noqa: E402
from runtime.library import make_queue, multiprocessing, name_of_this, need_multiprocessing  # noqa: E402
from runtime.main import main  # noqa: E402
from runtime.options import Param, Refusal  # noqa: E402
from runtime.processes import die_with, is_reaped  # noqa: E402
from runtime.work import Plan, Workload, mix  # noqa: E402

__all__ = ["die_with", "is_reaped", "main", "make_queue", "mix", "multiprocessing", "name_of_this",
           "need_multiprocessing", "now_ns", "Param", "Plan", "PRINT_NOW", "Refusal", "Workload"]
