/* Text in a column: what does not fit in 100 columns, or in a terminal that has fewer,
 * goes on below its beginning. */
#ifndef BASE_WRAP_H
#define BASE_WRAP_H

#include <stdio.h>

#define WRAP_COLUMNS 100

/* Prints the text from column 'indent' on, where the line is already; ends the line. */
void wrap_print(FILE *to, unsigned indent, const char *text);
/* The same behind a label of that width: 'label   text'. */
void wrap_label(FILE *to, const char *label, unsigned width, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
