package metrics_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/ringonce/ringonce/metrics"
)

const other = "other"

// page is docs/metrics.md: its text, and the rows of its tables by their head,
// such as "reason | meaning".
type page struct {
	text string
	rows map[string][][]string
}

func readPage(t *testing.T) page {
	t.Helper()
	data, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	p := page{text: string(data), rows: map[string][][]string{}}
	head := ""
	for line := range strings.Lines(p.text) {
		line = strings.TrimSpace(line)
		inner, ok := strings.CutPrefix(line, "| ")
		switch {
		case strings.HasPrefix(line, "|--"):
		case !ok:
			head = ""
		case head == "":
			head = strings.TrimSuffix(inner, " |")
		default:
			p.rows[head] = append(p.rows[head], strings.Split(strings.TrimSuffix(inner, " |"), " | "))
		}
	}
	return p
}

// below returns the rows of all tables with this head, and fails if a cell is
// empty.
func (p page) below(t *testing.T, head string) [][]string {
	t.Helper()
	rows := p.rows[head]
	if len(rows) == 0 {
		t.Fatalf("docs/metrics.md has no table %q", head)
	}
	for _, r := range rows {
		if len(r) != strings.Count(head, "|")+1 || slices.Contains(r, "") {
			t.Fatalf("docs/metrics.md, table %q: the row %q has an empty or a missing cell", head, r)
		}
	}
	return rows
}

var inBackticks = regexp.MustCompile("`([^`]+)`")

// terms returns what stands in backticks.
func terms(cell string) []string {
	var all []string
	for _, m := range inBackticks.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// exported returns the metric families of a worker with one account.
func exported(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	metrics.New(reg, build).Account("a")
	families := map[string]*dto.MetricFamily{}
	for _, f := range gather(t, reg) {
		families[f.GetName()] = f
	}
	return families
}

// values returns the values of these labels, in this order, without other.
func values(f *dto.MetricFamily, labels ...string) []string {
	var all []string
	for _, m := range f.GetMetric() {
		var row []string
		for _, label := range labels {
			for _, l := range m.GetLabel() {
				if l.GetName() == label {
					row = append(row, l.GetValue())
				}
			}
		}
		if !slices.Contains(row, other) {
			all = append(all, strings.Join(row, " "))
		}
	}
	slices.Sort(all)
	return all
}

func TestPageDocumentsEveryMetric(t *testing.T) {
	families := exported(t)
	documented := map[string]bool{}
	for _, row := range readPage(t).below(t, "metric | type | labels | meaning") {
		name := strings.Trim(row[0], "`")
		if documented[name] {
			t.Errorf("%s is documented twice", name)
		}
		documented[name] = true
		f, ok := families[name]
		if !ok {
			t.Errorf("%s is documented and does not exist", name)
			continue
		}
		if want := strings.ToLower(f.GetType().String()); row[1] != want {
			t.Errorf("%s is documented as a %s and is a %s", name, row[1], want)
		}
		labels := terms(row[2])
		if row[2] != "none" && len(labels) == 0 {
			t.Errorf("%s: the labels are %q", name, row[2])
		}
		var want []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			want = append(want, l.GetName())
		}
		slices.Sort(labels)
		if !slices.Equal(labels, want) {
			t.Errorf("%s is documented with the labels %q and has %q", name, labels, want)
		}
	}
	for name := range families {
		if !documented[name] {
			t.Errorf("%s is not documented", name)
		}
	}
}

func TestPageNamesNoMetricThatDoesNotExist(t *testing.T) {
	families := exported(t)
	for _, name := range regexp.MustCompile(`\bringonce_\w+`).FindAllString(readPage(t).text, -1) {
		if families[name] == nil {
			t.Errorf("%s does not exist", name)
		}
	}
}

func TestPageListsEveryLabelValue(t *testing.T) {
	families, p := exported(t), readPage(t)
	unchecked := map[string]bool{} // metric and label
	for name, f := range families {
		for _, l := range f.GetMetric()[0].GetLabel() {
			if l.GetName() != "account" && name != "ringonce_build_info" {
				unchecked[name+" "+l.GetName()] = true
			}
		}
	}

	for _, c := range []struct{ metric, label, head string }{
		{"ringonce_attempts_total", "outcome", "outcome | reasons"},
		{"ringonce_calls_total", "state", "state | reasons"},
	} {
		var pairs []string
		for _, row := range p.below(t, c.head) {
			for _, reason := range terms(row[1]) {
				pairs = append(pairs, terms(row[0])[0]+" "+reason)
			}
		}
		sameValues(t, c.metric, pairs, values(families[c.metric], c.label, "reason"))
		delete(unchecked, c.metric+" "+c.label)
		delete(unchecked, c.metric+" reason")
	}
	for _, row := range p.below(t, "metric | label | values") {
		metric, label := strings.Trim(row[0], "`"), strings.Trim(row[1], "`")
		each := values(families[metric], label)
		slices.Sort(each)
		sameValues(t, metric, terms(row[2]), slices.Compact(each)) // it may have another label
		delete(unchecked, metric+" "+label)
	}
	for both := range unchecked {
		t.Errorf("the values of %s are not listed", both)
	}
}

func TestPageExplainsEveryReasonAndLaneState(t *testing.T) {
	families, p := exported(t), readPage(t)
	reasons := map[string]bool{}
	for _, f := range families {
		for _, r := range values(f, "reason") {
			reasons[r] = true
		}
	}
	delete(reasons, "") // of the metrics without a reason

	explained := func(head string) []string {
		var all []string
		for _, row := range p.below(t, head) {
			all = append(all, terms(row[0])[0])
		}
		return all
	}
	sameValues(t, "the reasons", explained("reason | meaning"), slices.Sorted(maps.Keys(reasons)))
	sameValues(t, "the lane states", explained("state | meaning"), values(families["ringonce_lane_state"], "state"))
}

func TestPageStatesTheNumberOfSeries(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	m := metrics.New(reg, build)
	worker := seriesInText(reg)
	m.Account("a")
	account := seriesInText(reg) - worker

	found := regexp.MustCompile(`One account takes (\d+) series in the text format, the worker itself (\d+)\.`).
		FindStringSubmatch(readPage(t).text)
	if want := []string{strconv.Itoa(account), strconv.Itoa(worker)}; found == nil || !slices.Equal(found[1:], want) {
		t.Errorf("the page states %q, counted %q", found, want)
	}
}

func seriesInText(reg prometheus.Gatherer) int {
	response := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).
		ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	n := 0
	for line := range strings.Lines(response.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

func sameValues(t *testing.T, what string, documented, exist []string) {
	t.Helper()
	slices.Sort(documented)
	slices.Sort(exist)
	if !slices.Equal(documented, exist) {
		t.Errorf("%s: the page has\n%q\nand there are\n%q", what, documented, exist)
	}
}
