/* What the library does when it comes and goes. */
#ifndef TESTS_TRACED_ODD_LIBRARY_H
#define TESTS_TRACED_ODD_LIBRARY_H

#include <stdbool.h>

#define LIBRARY_CONSTRUCTOR_LOCKS 3
#define LIBRARY_DESTRUCTOR_LOCKS 2

extern bool library_constructed;
void library_lock(int times);

#endif
