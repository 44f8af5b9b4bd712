package prometheus_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringonce/ringonce/call"
)

// dashboard is as much of Grafana's dashboard model as is checked here.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct{ List []variable }
	Annotations   struct{ List []annotation }
	Panels        []panel
}

type variable struct {
	Name, Type, Definition string
	Datasource             datasource
}

type annotation struct {
	Name, Expr string
	Datasource datasource
	Enable     bool
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               datasource
	GridPos                  struct{ H, W, X, Y int }
	FieldConfig              struct {
		Defaults struct {
			Unit       string
			Thresholds struct{ Steps []struct{ Color string } }
			Mappings   []struct {
				Type    string
				Options map[string]struct{ Text, Color string }
			}
		}
	}
	Options struct {
		AlertName, GraphMode string
	}
	Targets []target
}

type target struct {
	RefID, Expr, LegendFormat string
	Datasource                datasource
	Instant                   bool
}

type datasource struct{ Type, UID string }

func overview(t *testing.T) dashboard {
	t.Helper()
	data, err := os.ReadFile("../../deployments/grafana/overview.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("the dashboard has no panels")
	}
	return d
}

// queries returns the dashboard's queries as Grafana would send them when
// everything is chosen.
func (d dashboard) queries(rateInterval string) []target {
	var all []target
	chosen := strings.NewReplacer("$__rate_interval", rateInterval, "$__range", "1m", "$namespace", ".*", "$account", ".*", "$instance", ".*")
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			q.RefID = p.Title + " " + q.RefID
			q.Expr = chosen.Replace(q.Expr)
			all = append(all, q)
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, target{RefID: "annotation " + a.Name, Expr: chosen.Replace(a.Expr)})
	}
	return all
}

func TestDashboardIsTemplated(t *testing.T) {
	d := overview(t)
	if d.Title != "ringonce overview" || d.UID == "" {
		t.Errorf("the dashboard is called %q, its uid is %q", d.Title, d.UID)
	}
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
	}
	if want := []string{"datasource", "namespace", "account", "instance"}; !slices.Equal(names, want) {
		t.Errorf("the variables are %q, want %q", names, want)
	}
	for _, a := range d.Annotations.List {
		if a.Datasource.UID != "${datasource}" || !a.Enable {
			t.Errorf("the annotation %s is not asked for", a.Name)
		}
	}
	if len(d.Annotations.List) == 0 {
		t.Error("nothing is annotated")
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" || p.Datasource.UID != "${datasource}" {
				t.Errorf("%s: a data source of its own: %v", p.Title, q.Datasource)
			}
			for _, used := range regexp.MustCompile(`\$\{?\w+`).FindAllString(q.Expr, -1) {
				if !slices.Contains([]string{"$__rate_interval", "$__range", "$namespace", "$account", "$instance"}, used) {
					t.Errorf("%s: no variable is called %s", p.Title, used)
				}
			}
			if !strings.Contains(q.Expr, "$namespace") {
				t.Errorf("%s mixes the installations of all namespaces", p.Title)
			}
		}
	}
}

func TestPanelsExplainThemselves(t *testing.T) {
	ids := map[int]bool{}
	for _, p := range overview(t).Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: the id %d is used twice or missing", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			continue
		}
		if len(p.Description) < 20 {
			t.Errorf("%s: the description is %q", p.Title, p.Description)
		}
		if p.Type == "alertlist" {
			if p.Options.AlertName != "Ringonce" {
				t.Errorf("%s lists the alerts called %q", p.Title, p.Options.AlertName)
			}
			continue
		}
		if p.FieldConfig.Defaults.Unit == "" || len(p.FieldConfig.Defaults.Thresholds.Steps) == 0 {
			t.Errorf("%s: the unit or the thresholds are missing", p.Title)
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
		}
	}
}

// A rolling sum rises with an event and falls when the event leaves its window: as
// a line it shows two events.
func TestNothingDrawnIsARollingSum(t *testing.T) {
	for _, p := range overview(t).Panels {
		for _, q := range p.Targets {
			if strings.Contains(q.Expr, "increase(") && (p.Type != "stat" || p.Options.GraphMode != "none" || !q.Instant) {
				t.Errorf("%s draws %s", p.Title, q.Expr)
			}
		}
	}
}

// With five hundred accounts a line for each shows nothing.
func TestLinesByAccountAreFew(t *testing.T) {
	for _, p := range overview(t).Panels {
		for _, q := range p.Targets {
			if strings.Contains(q.LegendFormat, "{{account}}") && !strings.Contains(q.Expr, "topk(10, ") && !strings.Contains(q.Expr, "bottomk(20, ") {
				t.Errorf("%s draws every account: %s", p.Title, q.Expr)
			}
		}
	}
}

// The timeline turns states into numbers and back, each in a colour of its own, and
// green is good alone.
func TestTheTimelineNamesEveryLaneState(t *testing.T) {
	panels := overview(t).Panels
	i := slices.IndexFunc(panels, func(p panel) bool { return p.Type == "state-timeline" })
	if i < 0 || len(panels[i].FieldConfig.Defaults.Mappings) != 1 {
		t.Fatal("there is no timeline, or it maps nothing")
	}
	mapped, colours := panels[i].FieldConfig.Defaults.Mappings[0].Options, map[string]string{}
	for _, s := range call.LaneStates() {
		m := regexp.MustCompile(`(\d) \* ringonce_lane_state{[^}]*state="` + string(s) + `"}`).FindStringSubmatch(panels[i].Targets[0].Expr)
		if m == nil || mapped[m[1]].Text != string(s) {
			t.Errorf("%s is asked for as %q and shown as %+v", s, m, mapped)
			continue
		}
		colour := mapped[m[1]].Color
		if other, taken := colours[colour]; taken || (colour == "green") != (s == call.LaneRunning) {
			t.Errorf("%s is %s, as is %q", s, colour, other)
		}
		colours[colour] = string(s)
	}
	if len(mapped) != len(call.LaneStates()) {
		t.Errorf("the timeline knows %+v", mapped)
	}
}

func TestNeededWorkersAreWhole(t *testing.T) {
	for _, q := range overview(t).queries("1m") {
		if strings.Contains(q.Expr, "workers_wanted") && !strings.Contains(q.Expr, "ceil(") {
			t.Errorf("%s: %s", q.RefID, q.Expr)
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	taken := map[[2]int]string{}
	for _, p := range overview(t).Panels {
		g := p.GridPos
		if g.W <= 0 || g.H <= 0 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%s does not fit: %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
