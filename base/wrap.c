/* Breaks lines between words. */
#include "base/wrap.h"

#include <stdarg.h>
#include <string.h>

void wrap_print(FILE *to, unsigned indent, const char *text)
{
	size_t column = indent;

	for (;;) {
		const size_t length = strcspn(text, " ");

		/* A word that fits nowhere stands alone and too long. */
		if (column > indent && column + 1 + length > WRAP_COLUMNS) {
			fprintf(to, "\n%*s", (int)indent, "");
			column = indent;
		}
		column += length + (column > indent);
		fprintf(to, "%s%.*s", column > indent + length ? " " : "", (int)length, text);
		text += length;
		if (!*text)
			break;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

void wrap_label(FILE *to, const char *label, unsigned width, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(to, "%-*s", (int)width, label);
	wrap_print(to, width, text);
}
