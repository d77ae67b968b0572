/* Formats a reason; apart so that every layer can fail in the same words. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, int code, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	if (!err)
		return false;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Through a copy: the old text may be among the arguments. */
	memcpy(err->text, text, sizeof(text));
	err->code = code;
	return false;
}
