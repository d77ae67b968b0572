# A panel per cell of a gate: by how much the candidate was worse in each pair, in the order in which they
# ran; the interval of the median as a band, what is allowed as a line, and behind a divider the pairs that
# were taken to confirm. A dot's shape says which build of the pair ran first.
load ARG0[1:strlen(ARG0) - strlen('gate.gp')] . 'style.gp'

# Columns: 1 cell, 2 verdict, 3 note, 4 unit, 5 panel, 6 place, 7 confirming, 8 first, 9 height, 10 shown, 11 from,
# 12 to, 13 allowed, 14 pairs, 15 taken, 16 gap, 17 confirmed, 18 median, 19 low, 20 high, 21 to 23 the same again
stats ARG1 using 5 name 'panel' nooutput
panels = int(panel_max) + 1
array cells[panels]
array verdicts[panels]
array notes[panels]
array units[panels]
array figures[panels * 13]
eval read_names('cells', 1, 5)
eval read_names('verdicts', 2, 5)
eval read_names('notes', 3, 5)
eval read_names('units', 4, 5)
do for [c = 11:23] {
	set table $names_read
	plot [0.5:2][0.5:2] ARG1 using (figures[int($5) * 13 + c - 10] = strcol(c), 1):(1) with points
	unset table
}
is_number(text) = strlen(text) > 0 && text ne 'NaN'
figure(p, c) = is_number(figures[(p - 1) * 13 + c - 10] . '') ? figures[(p - 1) * 13 + c - 10] + 0 : NaN

across = panels < 3 ? panels : panels == 4 ? 2 : 3
down = (panels + across - 1) / across
panel_width = panels == 1 ? 720 : across == 2 ? 500 : 400
panel_height = 270
left = 72.0
bottom = 46.0
top = 74.0
width = left + across * panel_width + 8
width = width < 790 ? 790 : width
height = top + down * panel_height + bottom
eval open_picture(ARG3)
set output ARG2

verdict_color(verdict) = verdict eq 'FAIL' || verdict eq 'ERROR' ? '#b3261e' : verdict eq 'PASS' ? '#1a7f37' : '#9a6700'
# A tic's text is a format of its own, so its per cent signs are doubled once more. Heights are logarithms: half as long is as far from 0 as twice as long. Tics are per cent, in equal steps
# where these are nearly equal, else where the ratio is 1, 2, 5 and so on.
percent(height) = 100 * (exp(height) - 1)
height(percent) = log(1 + percent / 100.0)
nice(rough) = 10 ** floor(log10(rough)) * (rough / 10 ** floor(log10(rough)) < 1.5 ? 1 : rough / 10 ** floor(log10(rough)) < 3.5 ? 2 : rough / 10 ** floor(log10(rough)) < 7.5 ? 5 : 10)
first_tic(low, step) = step * ceil(percent(low) / step)
even_tics(low, high, step) = sprintf("set ytics ('0' 0); do for [i = 0:%d] { tic = %g + i * %g; if (abs(tic) > 1e-9) { set ytics add (sprintf('%%+g %%%%%%%%', tic) height(tic)) } }", int((percent(high) - first_tic(low, step)) / step), first_tic(low, step), step)
ratio_tics = "set ytics ('0' 0); do for [tic in '-99 -98 -95 -90 -80 -50 100 400 900 1900 4900 9900'] { set ytics add (sprintf('%+g %%%%', tic + 0) height(tic + 0)) }"
percent_tics(low, high) = percent(high) - percent(low) > 120 ? ratio_tics : even_tics(low, high, nice((percent(high) - percent(low)) / 6.0))
# What does not fit above a panel.
longest = int(panel_width / 9.2)
short(text) = strlen(text) > longest ? text[1 : longest - 3] . '...' : text
set linetype 1 lc rgb color[2] lw 1 dt 1 pt 7 ps 0.5
set linetype 2 lc rgb color[4] lw 1 dt 1 pt 9 ps 0.55

set multiplot
key_columns = 4
eval open_frame
set key samplen 2 width -1
eval put_title('How much worse the candidate was, pair by pair')
eval put_foot
set xrange [0:1]
set yrange [0:1]
plot NaN with points lt 1 ps 0.9 title 'baseline ran first', NaN with points lt 2 ps 0.9 title 'candidate ran first', \
	NaN with lines lc rgb text_color lw 2 dt 1 title 'median', NaN with lines lc rgb '#b3261e' lw 1.6 dt 2 title 'allowed'
eval close_frame
set grid noxtics ytics
do for [p = 1:panels] {
	column = (p - 1) % across
	row = (p - 1) / across
	set lmargin at screen (left + column * panel_width) / width
	set rmargin at screen (left + (column + 1) * panel_width - 68) / width
	set tmargin at screen 1 - (top + row * panel_height + 44) / height
	set bmargin at screen 1 - (top + (row + 1) * panel_height - 34) / height
	unset label
	unset arrow
	unset object
	unset title
	color_now = verdict_color(verdicts[p] . '')
	set label 1 (short(cells[p] . '')) at graph 0, graph 1 left offset 0, 1.75 font bold textcolor rgb color_now
	set label 2 (verdicts[p] . ': ' . notes[p]) at graph 0, graph 1 left offset 0, 0.7 font small textcolor rgb color_now
	relative = units[p] eq 'ratio'
	set format y '%+g'
	pairs = figure(p, 14)
	taken = figure(p, 15)
	divider = taken + figure(p, 16) / 2 + 0.5
	confirming = figure(p, 17) > 0
	right_end = taken + (confirming ? figure(p, 16) + figure(p, 17) : 0)
	set xrange [0 : right_end + 1]
	set yrange [figure(p, 11) : figure(p, 12)]
	set xtics 0, nice(taken / 5.0), taken
	set ytics autofreq
	set ytics add ('0' 0)
	if (relative) { eval percent_tics(figure(p, 11), figure(p, 12)) }
	set xlabel (confirming ? '' : 'pairs') offset 0, 0.4 textcolor rgb quiet_color
	if (figure(p, 13) == figure(p, 13)) {
		set object 1 rectangle from graph 0, first figure(p, 13) to graph 1, graph 1 behind fillcolor rgb '#fbe9e7' fillstyle solid 1 noborder
		set arrow 1 from graph 0, first figure(p, 13) to graph 1, first figure(p, 13) nohead front lc rgb '#b3261e' lw 1.6 dt 2
	}
	set arrow 2 from graph 0, first 0 to graph 1, first 0 nohead back lc rgb text_color lw 1
	if (figure(p, 19) == figure(p, 19)) {
		set object 2 rectangle from first 0.5, first figure(p, 19) to first pairs + 0.5, first figure(p, 20) behind fillcolor rgb '#c9d3dd' fillstyle solid 1 noborder
	}
	set arrow 3 from first 0.5, first figure(p, 18) to first pairs + 0.5, first figure(p, 18) nohead front lc rgb text_color lw 2
	if (confirming) {
		set arrow 4 from first divider, graph 0 to first divider, graph 1 nohead back lc rgb quiet_color lw 1 dt 3
		set label 3 'pairs' at first taken / 2.0, graph 0 center offset 0, -2.1 textcolor rgb quiet_color
		set label 4 'again' at first divider + (right_end - divider) / 2, graph 0 center offset 0, -2.1 textcolor rgb quiet_color
		if (figure(p, 22) == figure(p, 22)) {
			set object 3 rectangle from first divider, first figure(p, 22) to first right_end + 0.5, first figure(p, 23) behind fillcolor rgb '#c9d3dd' fillstyle solid 1 noborder
		}
		if (figure(p, 21) == figure(p, 21)) {
			set arrow 5 from first divider, first figure(p, 21) to first right_end + 0.5, first figure(p, 21) nohead front lc rgb text_color lw 2
		}
	}
	# A dot that is drawn at the edge is beyond it.
	plot for [f = 0:1] ARG1 using ($5 == p - 1 && $8 == f && $9 == $10 ? $6 : NaN):10 with points lt f + 1 notitle, \
		ARG1 using ($5 == p - 1 && $9 > $10 ? $6 : NaN):10 with points pt 8 ps 0.6 lc rgb quiet_color notitle, \
		ARG1 using ($5 == p - 1 && $9 < $10 ? $6 : NaN):10 with points pt 10 ps 0.6 lc rgb quiet_color notitle
}
unset multiplot
