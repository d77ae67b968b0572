# A row per lock: how many system calls the program made, on a logarithmic axis, one after the other, in two
# threads on one CPU and on two, and in two processes; beside it the times against one after the other.
load ARG0[1:strlen(ARG0) - strlen('experiment.gp')] . 'style.gp'

# Columns: 1 group, 2 name, 3 version, 4 mode, 5 cpus, 6 steps, 7 calls, 8 least, 9 most, 10 futex,
# 11 per million steps, 12 per s, 13 time, 14 ratio, 15 low, 16 high. Six lines a row: sequential, threads and
# processes, each on one CPU and on two.
stats ARG1 using 5 name 'all' nooutput
rows = all_records / 6
array group[rows]
array label[rows]
array steps[rows]
plain(text) = strstrt(text, ',') > 0 ? text[1 : strstrt(text, ',') - 1] : text
named(group, name, version) = group eq 'interpreter' && version ne '-' ? plain(version) : name
read_row(names, what) = sprintf('set table $names_read; plot [*:*][*:*] ARG1 using (int($0) %% 6 == 0 ? (%s[int($0) / 6 + 1] = %s, 1) : 1):(1) with points; unset table', names, what)
eval read_row('group', 'strcol(1)')
eval read_row('label', 'named(strcol(1), strcol(2), strcol(3))')
eval read_row('steps', 'strcol(6)')
# stats heeds the ranges, so all of it comes before these; and sets nothing when it finds nothing.
calls_min = 100
calls_max = 1e6
ratio_min = 0.5
ratio_max = 2
stats ARG1 using 7 name 'calls' nooutput
stats ARG1 using 14 name 'ratio' nooutput

# A heading above each group takes a line, and half a line before it.
array at[rows]
lines = 0.0
do for [i = 1:rows] {
	if (i == 1 || group[i] ne group[i == 1 ? 1 : i - 1]) { lines = lines + (i == 1 ? 1 : 1.5) }
	at[i] = lines
	lines = lines + 1
}
heading_of(group) = group eq 'published' ? 'Published, 100,000,000 counted down twice' : group eq 'interpreter' ? 'Interpreters' : 'Lock models, in C'
row_height = 22.0
eval find_longest('label', rows)
left = longest_name * 8.0 + 100
left = left < 250 ? 250.0 : left
first_width = 430.0
gap = 120.0
second_width = 300.0
right = 110.0
top = 112.0
bottom = 92.0
width = int(left + first_width + gap + second_width + right)
height = int(lines * row_height + top + bottom)
eval open_picture(ARG3)
set output ARG2

# Of the six lines of a row those that are drawn, with a colour and a name each; what matters most comes last, on top.
array line_of[4] = [5, 0, 2, 3]
array slot_of[4] = [3, 1, 4, 5]
array key_order[4] = [2, 3, 4, 1]
array way_names[4] = ['2 processes, 2 CPUs', 'one after the other', '2 threads, 1 CPU', '2 threads, 2 CPUs']
key_columns = 4
y_at(nth) = at[int(nth) / 6 + 1]
is(nth, way) = int(nth) % 6 == line_of[way]
is_number(text) = strlen(text) > 0 && text ne 'NaN'
say(value) = value < 9995 ? sprintf('%.0f', value) : value < 999500 ? sprintf('%.3gk', value / 1e3) : value < 999500000 ? sprintf('%.3gM', value / 1e6) : sprintf('%.3gG', value / 1e9)

set multiplot
eval open_frame
eval put_title('The published experiment: what threads under a lock ask of the kernel')
eval put_foot
set yrange [0:1]
set xrange [0:1]
set key at screen 0.5, screen 1 - 36.0 / height center top
plot for [w = 1:4] NaN with points lt slot_of[key_order[w]] ps 1.4 title way_names[key_order[w]]
eval close_frame
set border 1
unset ytics
set grid xtics noytics
set tmargin at screen 1 - top / height
set bmargin at screen bottom / height
set yrange [lines - 0.4 : -0.6]
# What two threads on two CPUs came to, in figures beside each panel.
set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.5, 0
head_figures = "set label 1 '2 threads,' at graph 1, graph 1 left offset 1.5, 1.7 textcolor rgb color[5]; set label 2 '2 CPUs' at graph 1, graph 1 left offset 1.5, 0.6 textcolor rgb color[5]"

# The calls.
set lmargin at screen left / width
set rmargin at screen (left + first_width) / width
set logscale x 10
low = 10 ** floor(log10(calls_min))
high = calls_max * 2
set xrange [low : high]
tics = 'set xtics ('
do for [i = log10(low) : ceil(log10(high))] {
	tics = tics . sprintf("%s'%s' %g", i == log10(low) ? '' : ', ', i < 3 ? sprintf('%.0f', 10.0 ** i) : i < 6 ? sprintf('%.0fk', 10.0 ** (i - 3)) : sprintf('%.0fM', 10.0 ** (i - 6)), 10.0 ** i)
}
eval tics . ')'
set title 'System calls of the whole program' offset 0, -0.3 font bold textcolor rgb text_color
set xlabel 'calls; each line ten times as many' offset 0, 0.3 textcolor rgb text_color
eval head_figures
set label 3 'name, steps' at graph 0, graph 1 right offset -1, 0.6 textcolor rgb quiet_color
do for [i = 1:rows] {
	if (i == 1 || group[i] ne group[i == 1 ? 1 : i - 1]) {
		set label 4 + 2 * i heading_of(group[i]) at screen 12.0 / width, first at[i] - 1 left font bold textcolor rgb text_color
	}
	set label 5 + 2 * i label[i] . (is_number(steps[i]) ? ', ' . say(steps[i] + 0) : ': not here') at graph 0, first at[i] right offset -1, 0 textcolor rgb text_color
}
guide = '#c3cad2'
plot ARG1 using (is($0, 4) ? low : NaN):(y_at($0)):(column(7) - low):(0) with vectors nohead lc rgb guide lw 1 dt 3, \
	for [w = 1:4] '' using (is($0, w) && column(8) < column(9) ? column(7) : NaN):(y_at($0)):8:9 with xerrorbars pt -1 lc rgb text_color lw 1.2, \
	for [w = 1:4] '' using (is($0, w) ? column(7) : NaN):(y_at($0)) with points lt slot_of[w] ps 1.4, \
	'' using (is($0, 4) && valid(7) ? high : NaN):(y_at($0)):(say(column(7))) with labels left offset 1.5, 0 textcolor rgb color[5]

# The times.
unset label
set lmargin at screen (left + first_width + gap) / width
set rmargin at screen (left + first_width + gap + second_width) / width
set logscale x 2
x_low = ratio_min < 0.45 ? ratio_min / 1.1 : 0.45
x_high = ratio_max > 2.2 ? ratio_max * 1.1 : 2.2
set xrange [x_low : x_high]
set xtics ('0.5' 0.5, '1' 1, '2' 2, '4' 4, '8' 8, '16' 16, '32' 32)
set title 'Time against one after the other' offset 0, -0.3 font bold textcolor rgb text_color
set xlabel 'times as long' offset 0, 0.3 textcolor rgb text_color
eval head_figures
set arrow 1 from 1, graph 0 to 1, graph 1 nohead lc rgb text_color lw 1.2
plot for [w in '1 3 4'] ARG1 using (is($0, w + 0) ? column(14) : NaN):(y_at($0)):15:16 with xerrorbars pt -1 lc rgb text_color lw 1.2, \
	for [w in '1 3 4'] '' using (is($0, w + 0) ? column(14) : NaN):(y_at($0)) with points lt slot_of[w + 0] ps 1.4, \
	'' using (is($0, 4) && valid(14) ? x_high : NaN):(y_at($0)):(sprintf('%.2f', column(14))) with labels left offset 1.5, 0 textcolor rgb color[5]
unset multiplot
