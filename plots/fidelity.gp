# A row per quantity, grouped by interpreter: how many times the interpreter's value the model's is, on a
# logarithmic axis around 1; the band is 10 % to either side. Both values are written out.
load ARG0[1:strlen(ARG0) - strlen('fidelity.gp')] . 'style.gp'

# Columns: 1 runtime, 2 version, 3 model, 4 quantity, 5 unit, 6 interpreter, 7 model, 8 ratio, 9 verdict, 10 note
stats ARG1 using 0 name 'all' nooutput
rows = all_records
array runtime[rows]
array version[rows]
array model[rows]
array quantity[rows]
array unit[rows]
array theirs[rows]
array ours[rows]
row = 0
read_column(names, number) = sprintf('set table $names_read; plot [*:*][*:*] ARG1 using (%s[int($0) + 1] = strcol(%d), 1):(1) with points; unset table', names, number)
eval read_column('runtime', 1)
eval read_column('version', 2)
eval read_column('model', 3)
eval read_column('quantity', 4)
eval read_column('unit', 5)
eval read_column('theirs', 6)
eval read_column('ours', 7)

# A heading above each interpreter takes a line, and half a line before it.
array at[rows]
lines = 0.0
groups = 0
do for [i = 1:rows] {
	if (i == 1 || runtime[i] ne runtime[i == 1 ? 1 : i - 1]) { groups = groups + 1; lines = lines + (i == 1 ? 1 : 1.6) }
	at[i] = lines
	lines = lines + 1
}
row_height = 22.0
left = 250.0
right = 300.0
top = 62.0
bottom = 88.0
width = int(left + 420 + right)
height = int(lines * row_height + top + bottom)
eval open_picture(ARG3)
set output ARG2
eval put_title('Lock models beside their interpreters')
eval put_foot
set lmargin at screen left / width
set rmargin at screen 1 - right / width
set tmargin at screen 1 - top / height
set bmargin at screen bottom / height
set logscale x
stats ARG1 using 8 name 'ratio' nooutput
low = ratio_min < 0.5 ? ratio_min / 1.15 : 0.5
high = ratio_max > 2 ? ratio_max * 1.15 : 2.0
set xrange [low : high]
set yrange [lines - 0.3 : -0.7]
unset ytics
set border 1
set xtics ('0.1' 0.1, '0.2' 0.2, '0.33' 1.0 / 3, '0.5' 0.5, '0.7' 0.7, '1' 1, '1.4' 1.4, '2' 2, '3' 3, '5' 5, '10' 10)
set grid xtics noytics
set xlabel 'model / interpreter; the band is 10 %' offset 0, 0.3 textcolor rgb text_color
set object 1 rectangle from 0.9, graph 0 to 1.1, graph 1 behind fc rgb '#dcebf7' fs solid noborder
set arrow 1 from 1, graph 0 to 1, graph 1 nohead lc rgb quiet_color lw 1
say(text) = strlen(text) == 0 ? 'unknown' : text + 0 < 999.5 ? sprintf('%.3g', text + 0) : sprintf('%.3gk', (text + 0) / 1000)
do for [i = 1:rows] {
	if (i == 1 || runtime[i] ne runtime[i == 1 ? 1 : i - 1]) {
		set label 2 * i sprintf('%s and its model, %s', version[i], model[i]) at screen 12.0 / width, first at[i] - 1 left font bold textcolor rgb text_color
	}
	set label 2 * i + 1 quantity[i] at graph 0, first at[i] right offset -1, 0 textcolor rgb text_color
	set label 2 * rows + 2 * i + 2 say(theirs[i]) . '  |  ' . say(ours[i]) . '   ' . unit[i] at graph 1, first at[i] left offset 1.5, 0 textcolor rgb text_color
}
set label 4 * rows + 4 'interpreter  |  model' at graph 1, first -0.2 left offset 1.5, 0 font bold textcolor rgb text_color
# Hollow: the intervals of both leave it open.
plot ARG1 using (strcol(9) eq 'within' ? $8 : NaN):(at[int($0) + 1]) with points lt 2 ps 1.3, \
	'' using (strcol(9) eq 'not decided' ? $8 : NaN):(at[int($0) + 1]) with points lc rgb color[2] pt 6 lw 2 ps 1.3, \
	'' using (strcol(9) eq 'differs' ? $8 : NaN):(at[int($0) + 1]) with points lt 5 ps 1.3
