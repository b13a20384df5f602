package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// The places of things in a picture, in pixels.
const (
	pictureWidth = 1400
	leftEdge     = 150.0
	rightEdge    = 1370.0
	rateTop      = 90.0
	rateHeight   = 260.0
	delayTop     = rateTop + rateHeight + 40
	delayHeight  = 220.0
	failTop      = delayTop + delayHeight + 40
	failHeight   = 70.0
	lanesTop     = failTop + failHeight + 50
	laneHeight   = 17.0
	labelled     = 26.0 // a bar that is so long has its target written in it
)

// The colours. Those of nodes and of kinds of faults come again if there are more.
const (
	ink, pale, medianInk, tailInk, worstInk, refusedInk, lostInk = "#222222", "#dddddd", "#1b4f8f", "#d9730d", "#b03030", "#8a8a8a", "#c23b75"
)

func nodeInks() []string {
	return []string{"#6c9bd2", "#8fc79a", "#e3c567", "#c99bc9", "#7cc5c9", "#d8a27c", "#a3a3a3"}
}

func faultInks() []string {
	return []string{"#c0392b", "#2471a3", "#7d3c98", "#b9770e", "#117a65", "#a93226", "#5b6b2f", "#884ea0", "#1f618d", "#935116"}
}

// picture draws a run: how much was acknowledged by whom, how fast, what failed, and what was done to the cluster meanwhile.
type picture struct {
	to    *bufio.Writer
	s     *series
	kinds []string // of faults, by name
}

// drawPicture writes a run as an SVG.
func drawPicture(w io.Writer, run *history.Run) error {
	p := &picture{to: bufio.NewWriter(w), s: newSeries(run)}
	kinds := map[string]int{}
	for i := range run.Faults {
		kinds[run.Faults[i].Kind]++
	}
	p.kinds = slices.Sorted(maps.Keys(kinds))
	height := lanesTop + laneHeight*float64(len(kinds)) + 50
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%.0f" viewBox="0 0 %[1]d %.0[2]f" `+
		`font-family="Helvetica, Arial, sans-serif" font-size="12" fill="%s">`, pictureWidth, height, ink)
	p.put(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	p.head(run)
	p.bands(run.Faults)
	p.rates()
	p.delays()
	p.failures()
	p.lanes(run.Faults, kinds)
	p.put(`</svg>`)
	return p.to.Flush()
}

func (p *picture) put(format string, args ...any) { fmt.Fprintf(p.to, format+"\n", args...) }

func (p *picture) text(x, y float64, anchor, words string, more ...string) {
	p.put(`<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>`, x, y, anchor, strings.Join(more, " "), html.EscapeString(words))
}

func (p *picture) x(at time.Duration) float64 {
	return leftEdge + (rightEdge-leftEdge)*float64(at)/float64(p.s.length)
}

func (p *picture) head(run *history.Run) {
	h := &run.Header
	p.text(20, 28, "start", fmt.Sprintf("%d nodes, %s of faults", h.Nodes, h.Length.Round(time.Second)), `font-size="20" font-weight="bold"`)
	gap, at := silence(run)
	p.text(20, 50, "start", fmt.Sprintf("%d operations, %d writes acknowledged, %d faults; "+
		"longest time without an acknowledgement: %.2f s, at %.0f s", len(run.Ops), p.s.acks, len(run.Faults), gap.Seconds(), at.Seconds()))
	seed := fmt.Sprintf("seed %d", h.Seed)
	if h.Commit != "" {
		seed += ", commit " + h.Commit
	}
	p.text(rightEdge, 28, "end", seed, `fill="#666666"`)
}

// bands shades the times of faults behind all figures.
func (p *picture) bands(faults []history.Fault) {
	for i := range faults {
		f := &faults[i]
		p.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" fill-opacity="0.10"/>`,
			p.x(f.At), rateTop, p.width(f), failTop+failHeight-rateTop, p.ink(f.Kind))
	}
}

// width is that of a fault's bar: one that needs no healing is a stroke.
func (p *picture) width(f *history.Fault) float64 {
	return max(1.5, p.x(max(f.End, f.At))-p.x(f.At))
}

func (p *picture) ink(kind string) string {
	inks := faultInks()
	return inks[slices.Index(p.kinds, kind)%len(inks)]
}

// frame draws the axes of a panel, with its title and the marks of its scale.
func (p *picture) frame(top, height float64, title string, marks map[float64]string) {
	p.text(leftEdge, top-10, "start", title, `font-weight="bold"`)
	for y, label := range marks {
		p.put(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1[2]f" stroke="%[4]s" stroke-width="0.7"/>`, leftEdge, y, rightEdge, pale)
		p.text(leftEdge-8, y+4, "end", label)
	}
	p.put(`<path d="M%.1f %.1fV%.1fH%.1f" fill="none" stroke="%s"/>`, leftEdge, top, top+height, rightEdge, ink)
	step := nice(p.s.length.Seconds() / 12)
	for at := 0.0; at <= p.s.length.Seconds(); at += step {
		x := p.x(time.Duration(at * float64(time.Second)))
		p.put(`<line x1="%.1f" y1="%.1f" x2="%.1[1]f" y2="%.1[3]f" stroke="%s"/>`, x, top+height, top+height+4, ink)
		p.text(x, top+height+16, "middle", fmt.Sprintf("%g s", at), `font-size="11"`)
	}
}

// nice rounds up to 1, 2 or 5 times a power of ten.
func nice(n float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(n, 1e-9))))
	for _, m := range []float64{1, 2, 5} {
		if n <= m*power {
			return m * power
		}
	}
	return 10 * power
}

// legend writes names beside their colours, from the right edge to the left.
func (p *picture) legend(y float64, names, inks []string) {
	x := rightEdge
	for i := len(names) - 1; i >= 0; i-- {
		x -= 7*float64(len(names[i])) + 24
		p.put(`<rect x="%.1f" y="%.1f" width="11" height="11" fill="%s"/>`, x, y-10, inks[i%len(inks)])
		p.text(x+15, y, "start", names[i])
	}
}

// rates stacks the acknowledgements of the nodes.
func (p *picture) rates() {
	most := 1.0
	for i := range p.s.buckets {
		most = max(most, p.s.perSecond(p.s.buckets[i].all))
	}
	step := nice(most / 5)
	top := step * math.Ceil(most/step)
	y := func(rate float64) float64 { return rateTop + rateHeight*(1-rate/top) }
	below := make([]float64, len(p.s.buckets))
	inks := nodeInks()
	for n, node := range p.s.nodes {
		upper, lower := "", ""
		for i := range p.s.buckets {
			x0, x1 := p.span(i)
			upTo := below[i] + p.s.perSecond(p.s.buckets[i].acks[node])
			upper += fmt.Sprintf("L%.1f %.1fH%.1f", x0, y(upTo), x1)
			lower = fmt.Sprintf("L%.1f %.1fH%.1f", x1, y(below[i]), x0) + lower
			below[i] = upTo
		}
		p.put(`<path d="M%s%sZ" fill="%s" fill-opacity="0.85"/>`, upper[1:], lower, inks[n%len(inks)])
	}
	marks := map[float64]string{}
	for rate := 0.0; rate <= top; rate += step {
		marks[y(rate)] = fmt.Sprintf("%g", rate)
	}
	p.frame(rateTop, rateHeight, fmt.Sprintf("writes acknowledged per second, by node (steps of %v)", p.s.step), marks)
	p.legend(rateTop-10, p.s.nodes, inks)
}

// span is where a bucket begins and ends.
func (p *picture) span(i int) (from, to float64) {
	return p.x(time.Duration(i) * p.s.step), min(rightEdge, p.x(time.Duration(i+1)*p.s.step))
}

// delays draws how long answers took. The scale is logarithmic.
func (p *picture) delays() {
	const shortest, decades = 100 * time.Microsecond, 5.0 // to 10 s
	y := func(d time.Duration) float64 {
		part := math.Log10(float64(max(d, shortest))/float64(shortest)) / decades
		return delayTop + delayHeight*(1-min(part, 1))
	}
	median, tail := "", ""
	for i := range p.s.buckets {
		b := &p.s.buckets[i]
		from, to := p.span(i)
		if b.max == 0 { // nothing was answered: the lines have a gap
			continue
		}
		pen := "L"
		if i == 0 || p.s.buckets[i-1].max == 0 {
			pen = "M"
		}
		median += fmt.Sprintf("%s%.1f %.1f", pen, (from+to)/2, y(b.p50))
		tail += fmt.Sprintf("%s%.1f %.1f", pen, (from+to)/2, y(b.p99))
		p.put(`<circle cx="%.1f" cy="%.1f" r="1.6" fill="%s"/>`, (from+to)/2, y(b.max), worstInk)
	}
	p.put(`<path d="%s" fill="none" stroke="%s" stroke-width="1.3"/>`, tail, tailInk)
	p.put(`<path d="%s" fill="none" stroke="%s" stroke-width="1.6"/>`, median, medianInk)
	marks := map[float64]string{}
	for d := shortest; d <= 10*time.Second; d *= 10 {
		marks[y(d)] = d.String()
	}
	p.frame(delayTop, delayHeight, "time to an answer", marks)
	p.legend(delayTop-10, []string{"half of them", "99 of 100", "the longest"}, []string{medianInk, tailInk, worstInk})
}

// failures draws what was refused and what has an unknown outcome.
func (p *picture) failures() {
	most := 1.0
	for i := range p.s.buckets {
		most = max(most, p.s.perSecond(p.s.buckets[i].refused+p.s.buckets[i].lost))
	}
	top := nice(most)
	for i := range p.s.buckets {
		b := &p.s.buckets[i]
		from, to := p.span(i)
		refused, lost := failHeight*p.s.perSecond(b.refused)/top, failHeight*p.s.perSecond(b.lost)/top
		floor := failTop + failHeight
		p.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, from, floor-lost, max(to-from, 1), lost, lostInk)
		p.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, from, floor-lost-refused, max(to-from, 1), refused, refusedInk)
	}
	p.frame(failTop, failHeight, "without an answer, per second (unknown also to clients who hang up on purpose)",
		map[float64]string{failTop: fmt.Sprintf("%g", top), failTop + failHeight: "0"})
	p.legend(failTop-10, []string{"surely not applied", "unknown"}, []string{refusedInk, lostInk})
}

// lanes draws the faults, a lane for each kind. Those of a leader are framed.
func (p *picture) lanes(faults []history.Fault, count map[string]int) {
	if len(faults) == 0 {
		return
	}
	p.text(leftEdge, lanesTop-12, "start", "faults (of a leader: framed in black)", `font-weight="bold"`)
	for i, kind := range p.kinds {
		y := lanesTop + laneHeight*float64(i)
		p.text(leftEdge-8, y+12, "end", fmt.Sprintf("%s, %d", kind, count[kind]), fmt.Sprintf(`fill="%s"`, p.ink(kind)))
		p.put(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1[2]f" stroke="#eeeeee"/>`, leftEdge, y+laneHeight, rightEdge)
	}
	for i := range faults {
		f := &faults[i]
		y := lanesTop + laneHeight*float64(slices.Index(p.kinds, f.Kind)) + 2
		frame := ""
		if f.Leader {
			frame = fmt.Sprintf(`stroke="%s"`, ink)
		}
		about := fmt.Sprintf("%s %s %s at %.1f s: %s", f.Kind, f.Target, f.Detail, f.At.Seconds(), f.Effect)
		p.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" fill-opacity="0.75" %s><title>%s</title></rect>`,
			p.x(f.At), y, p.width(f), laneHeight-4, p.ink(f.Kind), frame, html.EscapeString(about))
		if p.width(f) >= max(labelled, 7*float64(len(f.Target))) {
			p.text(p.x(f.At)+p.width(f)/2, y+10.5, "middle", f.Target, `font-size="10" fill="#ffffff"`)
		}
	}
}
