# Percentiles on the axis of Tene's HdrHistogram: x is 1/(1-p), so that every nine is as wide as the one
# before. A panel per workload, all with the same axes; one key above.
load ARG0[1:strlen(ARG0) - strlen('latency.gp')] . 'style.gp'

# Columns: 1 workload, 2 series, 3 panel, 4 line, 5 slot, 6 workers, 7 percent, 8 x, 9 latency, 10 interval
stats ARG1 using 3 name 'panel' nooutput
stats ARG1 using 4 name 'line' nooutput
stats ARG1 using 8 name 'x' nooutput
# The fastest third says nothing here and would need a decade of its own.
x_low = 1.5
stats ARG1 using ($8 < x_low ? NaN : $9) name 'y' nooutput
panels = int(panel_max) + 1
lines = int(line_max) + 1
# The distinct switch intervals of each panel, as words. (stats sets nothing when it finds nothing.)
array intervals[panels]
do for [p = 1:panels] {
	intervals[p] = ''
	do for [i = 1:lines] {
		stats ARG1 using ($3 == p - 1 && $4 == i - 1 ? $10 : NaN) name 'own' nooutput
		if (exists('own_records')) {
			word = sprintf('%g', own_max)
			known = 0
			do for [w in intervals[p]] { known = known || w eq word }
			if (!known) { intervals[p] = intervals[p] . ' ' . word }
		}
	}
}

array panel_names[panels]
array line_names[lines]
array slots[lines]
do for [i = 1:lines] { slots[i] = 0; line_names[i] = '' }
eval read_names('panel_names', 1, 3)
eval read_names('line_names', 2, 4)
eval read_names('slots', 5, 4)
eval present_lines('slots', lines)

across = panels < 3 ? panels : 3
down = (panels + across - 1) / across
panel_width = panels == 1 ? 640 : panels == 2 ? 420 : 300
panel_height = 330
left = 70.0
bottom = 42.0
width = left + across * panel_width + 16
eval plan_key(0)
top = 72.0 + key_height
height = top + down * panel_height + bottom
eval open_picture(ARG3)
set output ARG2

set logscale xy 10
y_low = y_min / 1.5
y_high = y_max * 1.6
set xrange [x_low : (x_max < 20 ? 20 : x_max * 1.2)]
set yrange [y_low : y_high]
percentile_tics = "set xtics ('50 %%' 2, '90 %%' 10, '99 %%' 100, '99.9 %%' 1000, '99.99 %%' 10000)"

# A point where a curve passes 50, 90, 99 ... per cent; a smaller x than the last begins a new curve.
last = 0
passed(before, x) = x < 10 ? (before < 2 && x >= 2 ? 2 : NaN) : (before < 10 ** floor(log10(x)) ? 10 ** floor(log10(x)) : NaN)
mark(x) = (before = x < last ? 0 : last, last = x, passed(before, x))

told = ' '
set multiplot
eval open_frame
eval put_title('How long I/O takes, and its slow tail')
eval put_foot
plot for [w in present] keyentry with linespoints lt wrap(slots[int(w)]) title line_names[int(w)], NaN notitle
eval close_frame
eval percentile_tics
do for [p = 1:panels] {
	column = (p - 1) % across
	row = (p - 1) / across
	set lmargin at screen (left + column * panel_width) / width
	set rmargin at screen (left + (column + 1) * panel_width - 18) / width
	set tmargin at screen 1 - (top + row * panel_height) / height
	set bmargin at screen 1 - (top + (row + 1) * panel_height - 66) / height
	set title panel_names[p] offset 0, -0.6 font bold textcolor rgb text_color
	set xlabel 'percentile' offset 0, 0.6 textcolor rgb text_color
	set format y (column == 0 ? '%g' : '')
	set ylabel (column == 0 ? 'latency, milliseconds' : '') offset 0.5, 0 textcolor rgb text_color
	unset label
	unset arrow
	# A sweep has many; there the key names them.
	do for [w in words(intervals[p]) < 3 ? intervals[p] : ''] {
		if (w + 0 > y_low && w + 0 < y_high) {
			set arrow from graph 0, first w + 0 to graph 1, first w + 0 nohead lc rgb text_color lw 1.4 dt 3
			# Told once: all panels have the same axis.
			if (strstrt(told, ' ' . w . ' ') == 0) { set label 'switch interval ' . w . ' ms' at graph 0.02, first w + 0 left offset 0, -0.6 font small textcolor rgb text_color }
			told = told . w . ' '
		}
	}
	plot for [w in present] ARG1 using ($3 == p - 1 && $4 == w - 1 ? $8 : NaN):9 with fsteps lt wrap(slots[int(w)]) notitle, \
		for [w in present] ARG1 using ($3 == p - 1 && $4 == w - 1 ? mark($8) : NaN):9 with points lt wrap(slots[int(w)]) notitle
}
unset multiplot
