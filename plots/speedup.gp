# A panel per workload, a line per series, both axes logarithmic: the ideal is a straight line, and half
# the speed is as far below 1 as double is above. Behind the last CPU the ground is grey.
load ARG0[1:strlen(ARG0) - strlen('speedup.gp')] . 'style.gp'

# Columns: 1 workload, 2 series, 3 panel, 4 line, 5 slot, 6 workers, 7 speedup, 8 low, 9 high, 10 cpus
stats ARG1 using 3 name 'panel' nooutput
stats ARG1 using 4 name 'line' nooutput
stats ARG1 using 6 name 'workers' nooutput
stats ARG1 using (valid(8) ? column(8) : $7) name 'low' nooutput
stats ARG1 using (valid(9) ? column(9) : $7) name 'high' nooutput
stats ARG1 using 10 name 'cpus' nooutput
cpus = exists('cpus_records') ? cpus_max : 0 # stats sets nothing when it finds nothing
panels = int(panel_max) + 1
lines = int(line_max) + 1

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
panel_width = panels == 1 ? 560 : panels == 2 ? 470 : 290
panel_height = 290
left = 70.0
bottom = 42.0
width = left + across * panel_width + 16
eval plan_key(1)
top = 72.0 + key_height
height = top + down * panel_height + bottom
eval open_picture(ARG3)
set output ARG2

set logscale xy 2
x_low = workers_min / 1.25
x_high = workers_max * 1.25
y_low = (low_min < 0.5 ? low_min : 0.5) / 1.8 # room for the words at the bottom
y_high = (high_max > workers_max ? high_max : workers_max) * 1.15
set xrange [x_low : x_high]
set yrange [y_low : y_high]

set multiplot
eval open_frame
eval put_title('Speed-up over workers')
eval put_foot
plot for [w in present] keyentry with linespoints lt wrap(slots[int(w)]) title line_names[int(w)], \
	keyentry with lines lc rgb quiet_color lw 1.2 dt 2 title 'ideal', \
	NaN notitle
eval close_frame
set xtics 2
set ytics 2
do for [p = 1:panels] {
	column = (p - 1) % across
	row = (p - 1) / across
	set lmargin at screen (left + column * panel_width) / width
	set rmargin at screen (left + (column + 1) * panel_width - 18) / width
	set tmargin at screen 1 - (top + row * panel_height) / height
	set bmargin at screen 1 - (top + (row + 1) * panel_height - 66) / height
	set title panel_names[p] offset 0, -0.6 font bold textcolor rgb text_color
	set xlabel 'workers' offset 0, 0.6 textcolor rgb text_color
	set format y (column == 0 ? '%g' : '')
	set ylabel (column == 0 ? 'times as fast as sequential' : '') offset 0.5, 0 textcolor rgb text_color
	if (cpus > 0 && cpus < workers_max) {
		set object 1 rectangle from cpus, y_low to x_high, y_high fillcolor rgb '#eef1f4' fillstyle solid noborder behind
		set label 3 sprintf("more workers\nthan CPUs (%g)", cpus) at x_high, y_low right offset -0.5, 1.7 font small textcolor rgb quiet_color
	}
	# A little apart, or intervals at the same number of workers would hide each other.
	apart(x, i) = x * 2 ** (0.05 * (i - (lines + 1) / 2.0))
	plot x with lines lc rgb quiet_color lw 1.2 dt 2 notitle, \
		1 with lines lc rgb text_color lw 1 dt 1 notitle, \
		for [w in present] ARG1 using ($3 == p - 1 && $4 == w - 1 ? apart($6, int(w)) : NaN):7:8:9 with yerrorbars lt wrap(slots[int(w)]) dt 1 lw 1.2 pt -1 notitle, \
		for [w in present] ARG1 using ($3 == p - 1 && $4 == w - 1 ? apart($6, int(w)) : NaN):7 with linespoints lt wrap(slots[int(w)]) notitle
}
unset multiplot
