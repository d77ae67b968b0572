/* The fields of tab-separated rows. */
#include "plots/tsv.h"

#include <inttypes.h>
#include <math.h>

static void next_field(struct tsv *row)
{
	if (row->begun)
		fputc('\t', row->to);
	row->begun = true;
}

void tsv_text(struct tsv *row, const char *text)
{
	next_field(row);
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == '"' || *text == 0x7f ? ' ' : *text,
		      row->to);
}

void tsv_count(struct tsv *row, uint64_t value)
{
	next_field(row);
	fprintf(row->to, "%" PRIu64, value);
}

void tsv_number(struct tsv *row, double value)
{
	next_field(row);
	if (isfinite(value))
		fprintf(row->to, "%.9g", value);
	else
		fputs("NaN", row->to);
}

void tsv_end(struct tsv *row)
{
	fputc('\n', row->to);
	row->begun = false;
}
