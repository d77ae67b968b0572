/* Breaks lines between words. */
#include "base/wrap.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t columns_of(FILE *to)
{
	struct winsize size;

	if (!isatty(fileno(to)) || ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return WRAP_COLUMNS;
	return size.ws_col < WRAP_COLUMNS ? size.ws_col : WRAP_COLUMNS;
}

void wrap_print(FILE *to, unsigned indent, const char *text)
{
	const size_t columns = columns_of(to);
	size_t column = indent;

	for (;;) {
		const size_t length = strcspn(text, " ");

		/* A word that fits nowhere stands alone and too long. */
		if (column > indent && column + 1 + length > columns) {
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
