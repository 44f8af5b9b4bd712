package prometheus_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is as much of Grafana's dashboard model as is checked here.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct{ List []variable }
	Panels        []panel
}

type variable struct {
	Name, Type, Definition string
	Datasource             datasource
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
		}
	}
	Targets []target
}

type target struct {
	RefID, Expr, LegendFormat string
	Datasource                datasource
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

// queries gives the dashboard's queries as Grafana would send them when
// everything is chosen.
func (d dashboard) queries(rateInterval string) []target {
	var all []target
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			q.RefID = p.Title + " " + q.RefID
			q.Expr = strings.NewReplacer("$__rate_interval", rateInterval, "$account", ".*", "$instance", ".*").Replace(q.Expr)
			all = append(all, q)
		}
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
	if want := []string{"datasource", "account", "instance"}; !slices.Equal(names, want) {
		t.Errorf("the variables are %q, want %q", names, want)
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" || p.Datasource.UID != "${datasource}" {
				t.Errorf("%s: a data source of its own: %v", p.Title, q.Datasource)
			}
			for _, used := range regexp.MustCompile(`\$\{?\w+`).FindAllString(q.Expr, -1) {
				if !slices.Contains([]string{"$__rate_interval", "$account", "$instance"}, used) {
					t.Errorf("%s: no variable is called %s", p.Title, used)
				}
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
		if p.FieldConfig.Defaults.Unit == "" || len(p.FieldConfig.Defaults.Thresholds.Steps) == 0 {
			t.Errorf("%s: the unit or the thresholds are missing", p.Title)
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
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
