/* Has the chart of a gate drawn. */
#include "bench/gate/panels.h"
#include "bench/gate/show.h"

#include "base/home.h"
#include "base/output.h"
#include "plots/draw.h"

bool gate_remove_chart(const char *folder, struct err *err)
{
	return output_remove(folder, "gate", ".svg", err) &&
	       output_remove(folder, "gate", ".png", err);
}

bool gate_chart(const struct gate *gate, const char *folder, struct err *err)
{
	struct drawing drawing = { .folder = folder };
	struct home home;

	_Static_assert(sizeof(drawing.foot[0]) == PANELS_FOOT, "the lines below a chart");
	/* One of an earlier gate would be taken for this one's. */
	if (!gate_remove_chart(folder, err))
		return false;
	if (panels_count(gate) == 0)
		return err_set(err, EXIT_IMPOSSIBLE, "no pairs were taken");
	if (!draw_possible())
		return err_set(err, EXIT_IMPOSSIBLE,
			       "gnuplot is not installed; install gnuplot-nox");
	if (!home_find(&home, err))
		return false;
	drawing.scripts = home.plots;
	panels_foot(gate, drawing.foot);
	return draw_figure(&drawing, "gate", "svg", err) &&
	       draw_figure(&drawing, "gate", "png", err);
}
