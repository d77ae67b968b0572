/* Writes the files of a made-up gate, and its annotations to the standard output: gate_files NAME
 * FOLDER. */
#include "bench/gate/show.h"
#include "tests/gate_made.h"

int main(int argc, char *argv[])
{
	struct gate *gate = argc == 3 ? made_by_name(argv[1]) : NULL;
	struct result_files *files;
	struct err err = { 0 };

	if (!gate)
		return EXIT_MISUSE;
	machine_read(&gate->machine);
	files = result_open(argv[2], gate_outputs, &err);
	if (!files || !result_write(files, gate, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return err.code;
	}
	gate_annotate(gate, stdout);
	return EXIT_DONE;
}
