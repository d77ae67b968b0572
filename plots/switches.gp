# Three panels of dots on one logarithmic axis each, a row per series. Zero has no place on such an
# axis: it has a line of its own, left of a gap, and is written out.
load ARG0[1:strlen(ARG0) - strlen('switches.gp')] . 'style.gp'

# Columns: 1 workload, 2 series, 3 slot, 4 workers, 5 voluntary, 6 involuntary, 7 futex calls
stats ARG1 using 3 name 'slot' nooutput
rows = slot_records
most = 10
least = 1e9
array known[3]
do for [c = 1:3] {
	stats ARG1 using (column(c + 4)) name 'all' nooutput
	known[c] = exists('all_records') # stats sets nothing when it finds nothing
	stats ARG1 using (valid(c + 4) && column(c + 4) > 0 ? column(c + 4) : NaN) name 'some' nooutput
	if (exists('some_records') && some_max > most) { most = some_max }
	if (exists('some_records') && some_min < least) { least = some_min }
}
least = least > most ? 1 : least
panels = known[3] ? 3 : 2
array workload[rows]
array series[rows]
array slots[rows]
array workers[rows]
eval read_names('workload', 1, 0)
eval read_names('series', 2, 0)
eval read_names('slots', 3, 0)
eval read_names('workers', 4, 0)
eval find_longest('series', rows)
row_height = 30.0
left = longest_name * 8 + 40.0
left = left < 170 ? 170.0 : left
panel_width = panels == 3 ? 250 : 340
top = 88.0
bottom = 98.0
width = int(left + panels * panel_width + 10)
height = int(rows * row_height + top + bottom)
eval open_picture(ARG3)
set output ARG2

array titles[3] = ['voluntary switches', 'involuntary switches', 'futex calls']
set logscale x 10
x_one = 10 ** floor(log10(least))
x_zero = x_one / 6
set xrange [x_zero / 1.6 : most * 30]
set yrange [rows - 0.4 : -0.6]
tics = sprintf("set xtics ('0' %g", x_zero)
decades = ceil(log10(most)) - floor(log10(least))
do for [i = floor(log10(least)) : ceil(log10(most)) : (decades > 4 ? 2 : 1)] {
	name = i < 0 ? sprintf('%g', 10.0 ** i) : i < 3 ? sprintf('%.0f', 10.0 ** i) : i < 6 ? sprintf('%.0fk', 10.0 ** (i - 3)) : sprintf('%.0fM', 10.0 ** (i - 6))
	tics = tics . sprintf(", '%s' %g", name, 10.0 ** i)
}
tics = tics . ')'
at(value) = value == 0 ? x_zero : value
say(value) = value == 0 ? '0' : value < 10 ? sprintf('%.1f', value) : value < 999.5 ? sprintf('%.0f', value) : value < 999500 ? sprintf('%.3gk', value / 1e3) : sprintf('%.3gM', value / 1e6)

set multiplot
eval open_frame
eval put_title('The traffic of a lock: ' . workload[1] . ', ' . of_workers(workers[1]))
eval put_foot
plot NaN notitle
eval close_frame
set border 1
eval tics
unset ytics
set grid xtics noytics
set xlabel 'per second' offset 0, 0.3 textcolor rgb text_color
set tmargin at screen 1 - top / height
set bmargin at screen bottom / height
do for [p = 1:panels] {
	set lmargin at screen (left + (p - 1) * panel_width) / width
	set rmargin at screen (left + p * panel_width - 26) / width
	set title titles[p] offset 0, -0.3 font bold textcolor rgb text_color
	unset label
	do for [i = 1:rows] {
		if (p == 1) { set label i series[i] at graph 0, first i - 1 right offset -1, 0 textcolor rgb text_color }
	}
	set arrow 1 from x_zero, graph 0 to x_zero, graph 1 nohead lc rgb text_color lw 1.2
	plot ARG1 using (x_zero):0:(at(column(p + 4)) - x_zero):(0) with vectors nohead lc rgb '#9aa4ae' lw 1 dt 3, \
		for [i = 1:rows] '' using ($0 == i - 1 ? at(column(p + 4)) : NaN):0 with points lt wrap(slots[i]) ps 1.3, \
		'' using (at(column(p + 4))):0:(say(column(p + 4))) with labels left offset 1.2, 0 textcolor rgb text_color
}
unset multiplot
