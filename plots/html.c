/* Escaping and inlining. Pictures go in as data URIs: the names inside of an SVG are then its own,
 * so two of them on a page cannot clash. */
#include "plots/html.h"

#include <stdint.h>

void html_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		case '\'':
			fputs("&#39;", to);
			break;
		default:
			fputc(*text, to);
		}
	}
}

void html_base64(FILE *to, const unsigned char *bytes, size_t count)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < count; i += 3) {
		const size_t left = count - i;
		const uint32_t group = (uint32_t)bytes[i] << 16 |
				       (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				       (left > 2 ? bytes[i + 2] : 0);

		fputc(digits[group >> 18], to);
		fputc(digits[group >> 12 & 63], to);
		fputc(left > 1 ? digits[group >> 6 & 63] : '=', to);
		fputc(left > 2 ? digits[group & 63] : '=', to);
	}
}

bool html_data_uri(FILE *to, const char *path, const char *type, struct err *err)
{
	unsigned char bytes[3 * 1024]; /* a multiple of 3: padding only at the end */
	FILE *from = fopen(path, "re");
	size_t count;
	bool failed;

	if (!from)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot read '%s': %m", path);
	fprintf(to, "data:%s;base64,", type);
	while ((count = fread(bytes, 1, sizeof(bytes), from)) > 0)
		html_base64(to, bytes, count);
	failed = ferror(from);
	fclose(from);
	return !failed || err_set(err, EXIT_IMPOSSIBLE, "cannot read '%s' to its end", path);
}

bool html_copy(FILE *to, const char *path, struct err *err)
{
	char bytes[4096];
	FILE *from = fopen(path, "re");
	size_t count;
	bool failed;

	if (!from)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot read '%s': %m", path);
	while ((count = fread(bytes, 1, sizeof(bytes), from)) > 0)
		fwrite(bytes, 1, count, to);
	failed = ferror(from);
	fclose(from);
	return !failed || err_set(err, EXIT_IMPOSSIBLE, "cannot read '%s' to its end", path);
}
