/* The small text files of /proc and /sys: reading one whole, and picking a value out of its text.
 */
#ifndef BASE_SYSFILE_H
#define BASE_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads what fits of the file that the format names; the text ends in a null. False, with errno,
 * and an empty text when it cannot be read. */
bool sysfile_read(char *to, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for a file of one line, without its newline and surrounding blanks. */
bool sysfile_line(char *to, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Copies the value of the first line that has this key: 'key : value', 'key="value"', 'key value'.
 */
bool sysfile_field(const char *text, const char *key, char *to, size_t room);
/* The same as a number that starts the value; -1 when there is none. */
int64_t sysfile_field_number(const char *text, const char *key);
/* The word in brackets, as in 'always [madvise] never'. */
bool sysfile_chosen(const char *text, char *to, size_t room);

#endif
