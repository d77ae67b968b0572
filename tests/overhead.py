#!/usr/bin/env python3
"""Benchmark: what the runner itself adds to a sample. Runs samples with next to no work; what is not the
workload's own time is fork, exec, wait, counters, and the workload's start and end."""
import json
import os
import statistics
import subprocess
import sys
import tempfile

LIMIT_MS = 5


def main(gilscope):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([gilscope, 'bench', '--workload', 'countdown', '--mode',
                        'sequential,threads,processes', '--workers', '2', '--size', '1',
                        '--runs', '100', '-o', folder],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(os.path.join(folder, 'result.json'), encoding='utf-8') as file:
            cells = json.load(file)['cells']
    worst = 0
    for cell in cells:
        added = sorted((s['wall_ns'] - s['elapsed_ns']) / 1e6 for s in cell['samples'])
        median = statistics.median(added)
        worst = max(worst, median)
        print(f"{cell['id']:32} median {median:.2f} ms, 90 % {added[len(added) * 9 // 10]:.2f} ms")
    print(f'{"worst median":32} {worst:.2f} ms, to stay under {LIMIT_MS} ms')
    return 0 if worst < LIMIT_MS else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
