package chart

// For the tests outside, which draw reports of rooms above.
var (
	Shade      = shade
	Short      = short
	Steps      = steps
	EpochTicks = epochTicks
	Rate       = rate
)
