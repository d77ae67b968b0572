# What all figures share: terminal, fonts, colours, the footer. Loaded first by each. A figure is
# called with ARG1 its table, ARG2 the picture to be, ARG3 svg or png, ARG4 and ARG5 its footer.
# Names may hold underscores, so nothing is 'enhanced'.
set encoding utf8
set decimalsign '.'
set datafile separator "\t"
set datafile missing NaN
set datafile commentschars '#'

# Okabe and Ito (2008), colours that all kinds of colour vision tell apart, with Wong's (2011) blue. No
# lock is cold, a lock is warm. Each has its own dash and point, for print in grey. The numbers are the
# slots of plots/arrange.c; page.css has the same colours.
array color[9] = [0x6b6b6b, 0x0072b2, 0x009e73, 0xe69f00, 0xd55e00, 0xcc79a7, 0x56b4e9, 0x000000, 0x9b8a00]
array point[9] = [3, 7, 5, 8, 13, 11, 4, 6, 12]
array dash[9] = [3, 1, 4, 2, 1, 5, 2, 4, 3]
array thickness[9] = [2, 2, 2, 2, 3.2, 2, 2, 2, 2]
wrap(slot) = 1 + (int(slot + 0) - 1) % 9 # the slot may be a text of digits
color_of(slot) = color[wrap(slot)]
do for [i = 1:9] {
	set linetype i lc rgb color[i] lw thickness[i] dt dash[i] pt point[i] ps 0.9
}
set linetype cycle 9
text_color = '#1b1f24'
quiet_color = '#57606a'
grid_color = '#d8dde3'

set border 3 lc rgb quiet_color lw 1
set tics nomirror out scale 0.6 textcolor rgb text_color
set grid noxtics ytics lt 1 lc rgb grid_color lw 1 dt 1
set style fill solid 0.9 noborder
set errorbars 0.6
unset key

# A text's own font is a single family to gnuplot, cut at the first comma, and the SVG terminal of 5.4
# copies it as it is into font-family="..." and knows no ':Bold'. So commas come as entities, and the
# weight is an attribute of its own; another version, that may copy less literally, gets a plain font.
literal = GPVAL_VERSION < 5.5
family(format) = format eq 'png' ? 'DejaVu Sans' : literal ? 'DejaVu Sans&#44; Verdana&#44; sans-serif' : 'sans-serif'
weight(format) = format eq 'svg' && literal ? '" font-weight="bold' : ':Bold'
set_fonts = "bold = family(ARG3) . weight(ARG3) . ',13'; heading = family(ARG3) . weight(ARG3) . ',16'; small = family(ARG3) . ',10'"

# To be evaluated when 'width' and 'height' are set:  eval open_picture(ARG3)
# (A loaded script has no ARGs of its own.) Sizes are points of the SVG; the PNG has twice the pixels.
open_png = 'set terminal pngcairo noenhanced background "#ffffff" font "DejaVu Sans,13" fontscale 1.5 linewidth 2 pointscale 2 size 2 * width, 2 * height'
open_svg = 'set terminal svg noenhanced background "#ffffff" font "DejaVu Sans, Verdana, sans-serif,13" size width, height'
open_picture(format) = set_fonts . '; ' . (format eq 'png' ? open_png : open_svg)
put_foot = 'set label 1001 ARG4 at screen 12.0 / width, screen 28.0 / height left font small textcolor rgb quiet_color; set label 1002 ARG5 at screen 12.0 / width, screen 12.0 / height left font small textcolor rgb quiet_color'
put_title(text) = sprintf('set label 1000 "%s" at screen 0.5, screen 1 - 20.0 / height center font heading textcolor rgb text_color', text)

# Names from a column of texts to an array, by a column of numbers from 0:  eval read_names('panels', 1, 3)
# gnuplot has no other way to keep a text of a table.
read_names(names, text, number) = sprintf('set table $names_read; plot [0.5:2][0.5:2] ARG1 using (%s[int($%d) + 1] = strcol(%d), 1):(1) with points; unset table', names, number, text)

# The lines of a figure that have rows, as words to loop over; 'slots' is 0 for the others.
present_lines(slots, lines) = sprintf("present = ''; do for [i = 1:%d] { if (%s[i] + 0 > 0) { present = present . ' ' . i } }", lines, slots)

# To 'longest_name', of the first so many of an array; absent ones are empty.
find_longest(names, count) = sprintf("longest_name = 0; do for [i = 1:%d] { longest_name = strlen(%s[i] . '') > longest_name ? strlen(%s[i] . '') : longest_name }", count, names, names)
# To 'key_columns' and 'key_height', for the present lines and 'extra' entries; with 'width' set.
plan_key(extra) = sprintf("eval find_longest('line_names', lines); key_entries = words(present) + %d; key_columns = int((width - 20) / (longest_name * 8.6 + 85)); key_columns = key_columns < 1 ? 1 : key_columns > key_entries ? key_entries : key_columns; key_height = 19.0 * ((key_entries + key_columns - 1) / key_columns)", extra)

# In a multiplot the title, the footer and the key are a plot of their own without axes, as wide as the
# picture: a panel's own key would have to fit the panel.
open_frame = 'set lmargin at screen 0.01; set rmargin at screen 0.99; set bmargin at screen 0.01; set tmargin at screen 1 - 34.0 / height; unset border; unset tics; unset grid; set key top center horizontal maxcols key_columns Left reverse samplen 3.5 width 1 textcolor rgb text_color'
close_frame = 'unset key; unset label; set border 3; set xtics; set ytics; set tics nomirror out scale 0.6 textcolor rgb text_color; set grid xtics ytics'

key_columns = 1
of_workers(n) = n . (n eq '1' ? ' worker' : ' workers')
