"""What a workload in Python is around its workload: options, modes, clocks, the result line. The same
options, the same work and the same line as the C workloads have (workloads/runtime), so that the runner
cannot tell them apart. One source for CPython 2.7 to 3.14, PyPy and Jython."""
from runtime.main import main
from runtime.options import Param, Refusal
from runtime.work import Plan, Workload, mix, now_ns

__all__ = ["main", "mix", "Param", "Plan", "Refusal", "Workload", "now_ns"]
