"""What a workload in Python is around its workload: options, modes, clocks, the result line. The same
options, the same work and the same line as the C workloads have (workloads/runtime), so that the runner
cannot tell them apart. One source for CPython 2.7 to 3.14, PyPy and Jython."""
from runtime.clocks import PRINT_NOW, now_ns
from runtime.main import main
from runtime.options import Param, Refusal
from runtime.processes import multiprocessing
from runtime.work import Plan, Workload, mix

__all__ = ["main", "mix", "multiprocessing", "now_ns", "Param", "Plan", "PRINT_NOW", "Refusal", "Workload"]
