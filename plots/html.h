/* Text and pictures inside of a page. */
#ifndef PLOTS_HTML_H
#define PLOTS_HTML_H

#include "base/err.h"

#include <stddef.h>
#include <stdio.h>

/* Escaped for text and for attributes in quotes. */
void html_text(FILE *to, const char *text);
void html_base64(FILE *to, const unsigned char *bytes, size_t count);
/* A file as a data URI: "data:image/svg+xml;base64,...". */
bool html_data_uri(FILE *to, const char *path, const char *type, struct err *err);
/* A file as it is, for a style sheet of ours. */
bool html_copy(FILE *to, const char *path, struct err *err);

#endif
