"""python make_fonts.py NotoSansArabic-Regular.ttf: writes arabic.ttf, the few letters that the tests need (fonttools)."""
import sys
from fontTools import subset

options = subset.Options(layout_features=["init", "medi", "fina", "isol", "rlig", "ccmp"], notdef_outline=True)
font = subset.load_font(sys.argv[1], options)
chosen = subset.Subsetter(options)
chosen.populate(text="طائر الشمس")
chosen.subset(font)
subset.save_font(font, "arabic.ttf", options)
