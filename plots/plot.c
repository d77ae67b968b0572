#include "command/command.h"
static int run(int argc, char *argv[], struct err *err) { (void)argc; (void)argv; (void)err; return 0; }
const struct command command_plot = { .name = "plot", .arguments = "", .summary = "to be written", .run = run };
