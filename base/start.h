/* What a program cannot rely on when it starts: whoever started it may have closed its standard
 * descriptors or left it odd signals. */
#ifndef BASE_START_H
#define BASE_START_H

/* The first thing in main. Closed standard descriptors become /dev/null, so that no file that is
 * opened later takes their place and gets what is printed; SIGPIPE is ignored, so that a reader
 * that has gone is an error like a full disk; SIGCHLD has its default, so that children can be
 * waited for. */
void start_safely(void);
/* In a child, before exec: everything as it was before start_safely, for a program that must not
 * notice us. */
void start_restore(void);

#endif
