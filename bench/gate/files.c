/* The list of a gate's files. */
#include "bench/gate/show.h"

const struct result_output gate_outputs[] = {
	{ "gate.tsv", gate_chart_tsv },        { "pairs.tsv", gate_pairs_tsv },
	{ "junit.xml", gate_junit_xml },       { "summary.md", gate_summary_md },
	{ "verdict.json", gate_verdict_json }, { 0 },
};
