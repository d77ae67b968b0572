# Bars from 1, the time of the same work by one thread, on a logarithmic axis: twice as long is as far
# to the right as half as long is to the left. A row per series, named where it stands, so that colour
# says nothing that the words do not.
load ARG0[1:strlen(ARG0) - strlen('modes.gp')] . 'style.gp'

# stats heeds the ranges, so all of it comes before these.
# Columns: 1 workload, 2 series, 3 panel, 4 slot, 5 workers, 6 relative, 7 low, 8 high, 9 samples
stats ARG1 using 3 name 'panel' nooutput
stats ARG1 using 6 name 'ratio' nooutput
stats ARG1 using (valid(8) ? column(8) : $6) name 'high' nooutput
stats ARG1 using (valid(7) ? column(7) : $6) name 'low' nooutput
rows = panel_records
panels = int(panel_max) + 1
array first_row[panels]
do for [i = 1:panels] {
	stats ARG1 using ($3 == i - 1 ? $0 : NaN) name 'in' nooutput
	first_row[i] = in_min
}

array series[rows]
eval read_names('series', 2, 0)
eval find_longest('series', rows)
left = longest_name * 8.0 + 90
left = left < 190 ? 190.0 : left
width = 690 + int(left)
row_height = 22.0
units = rows + 1.7 * panels
top = 64.0
bottom = 98.0
height = int(units * row_height + top + bottom)
eval open_picture(ARG3)
set output ARG2
eval put_foot

# Rows from above; each panel has a line for its name and a gap before it.
y(row, group) = row + 1.7 * group + 1.35
set yrange [units + 0.35 : 0.35]
set lmargin at screen left / width
set rmargin at screen 1 - 40.0 / width
set tmargin at screen 1 - top / height
set bmargin at screen bottom / height

set logscale x 2
# Room for the numbers at the ends of the bars.
x_low = (low_min < 0.5 ? low_min : 0.5) / 1.7
x_high = (high_max > 2 ? high_max : 2) * 1.7
set xrange [x_low : x_high]
set format x '%g'
set xtics 2
set grid xtics noytics
unset ytics
set border 1
set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.5, 0
set xlabel 'time as a multiple of one after the other' offset 0, 0.3 textcolor rgb text_color
eval put_title('Who waits for the lock: time relative to one after the other')
set label 1 '◂ faster' at 1, graph 1 offset -1, 0.7 right textcolor rgb quiet_color
set label 2 'slower ▸' at 1, graph 1 offset 1, 0.7 left textcolor rgb quiet_color
set arrow 1 from 1, graph 0 to 1, graph 1 nohead lc rgb text_color lw 1.5 front


array names[panels]
array workers[panels]
eval read_names('names', 1, 3)
eval read_names('workers', 5, 3)
do for [i = 1:panels] {
	set label 10 + i names[i] . ', ' . of_workers(workers[i]) at screen 14.0 / width, first y(first_row[i], i - 1) - 1 left boxed font bold textcolor rgb text_color
}

# The number stands outside of the bar and of its interval. (column(7), not $7: a row with an unknown $7
# would be left out.)
end_of(value) = value >= 1 ? (valid(8) ? column(8) : value) : (valid(7) ? column(7) : value)
plot ARG1 using 6:(y($0, $3)):(1):6:(y($0, $3) - 0.36):(y($0, $3) + 0.36):(color_of($4)) with boxxyerror lc rgb variable, \
	'' using 6:(y($0, $3)):7:8 with xerrorbars pt -1 lc rgb text_color lw 1.2, \
	'' using ($6 < 1 ? NaN : end_of($6)):(y($0, $3)):(sprintf('%.2f', $6)) with labels left offset 0.7, 0 textcolor rgb text_color, \
	'' using ($6 < 1 ? end_of($6) : NaN):(y($0, $3)):(sprintf('%.2f', $6)) with labels right offset -0.7, 0 textcolor rgb text_color, \
	'' using (x_low):(y($0, $3)):2 with labels right offset -1, 0 textcolor rgb text_color
