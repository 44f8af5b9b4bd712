package manifests_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	nats "github.com/nats-io/nats-server/v2/server"
	apps "k8s.io/api/apps/v1"
)

// compose loads the project as `docker compose` does, with its schema.
func compose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../deployments/compose.yaml"}, cli.WithName("ringonce"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeMountsExist(t *testing.T) {
	project := compose(t)
	mounts := 0
	for name, service := range project.Services {
		for _, v := range service.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			mounts++
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts what is missing: %v", name, err)
			}
			if !v.ReadOnly {
				t.Errorf("%s may write to %s", name, v.Source)
			}
		}
	}
	if mounts == 0 {
		t.Error("nothing is mounted: this test has gone blind")
	}
	for name, secret := range project.Secrets {
		if info, err := os.Stat(secret.File); err != nil || info.Mode().Perm()&0o004 == 0 {
			t.Errorf("the secret %s cannot be read by the user of the image: %v", name, err)
		}
	}
	for _, file := range []string{"Dockerfile", "Dockerfile.dockerignore"} {
		if _, err := os.Stat(filepath.Join("../../deployments", file)); err != nil {
			t.Error(err)
		}
	}
}

func TestComposeIsReachableFromThisMachineOnly(t *testing.T) {
	for name, service := range compose(t).Services {
		for _, p := range service.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s is published on %q:%s", name, p.HostIP, p.Published)
			}
		}
	}
}

// The program itself parses every command line and environment of the
// services.
func TestProgramAcceptsComposeCommands(t *testing.T) {
	project := compose(t)
	var ran []string
	for name, service := range project.Services {
		if service.Build == nil {
			continue
		}
		ran = append(ran, service.Command[0])
		if out, err := exec.CommandContext(t.Context(), program, append(slices.Clone(service.Command), "--help")...).CombinedOutput(); err != nil {
			t.Errorf("%s: %q: %v: %s", name, service.Command, err, out)
		}
		if service.Command[0] != "run" {
			continue
		}
		check := exec.CommandContext(t.Context(), program, "check-config")
		check.Env = []string{}
		for variable, value := range service.Environment {
			for _, s := range service.Secrets {
				*value = strings.ReplaceAll(*value, "/run/secrets/"+s.Source, project.Secrets[s.Source].File)
			}
			check.Env = append(check.Env, variable+"="+*value)
		}
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
	slices.Sort(ran)
	if want := []string{"run", "simulate"}; !slices.Equal(ran, want) {
		t.Errorf("the services run %q, want %q", ran, want)
	}
}

func TestComposeGivesWorkersTimeToStop(t *testing.T) {
	worker := compose(t).Services["worker"]
	reference := readSetting(t, `(?m)^shutdown_grace: (\w+)$`)
	grace, err := time.ParseDuration(reference)
	if err != nil {
		t.Fatal(err)
	}
	if worker.StopGracePeriod == nil || time.Duration(*worker.StopGracePeriod) < grace+10*time.Second {
		t.Errorf("a worker is killed after %v, and shutdown_grace is %s", worker.StopGracePeriod, grace)
	}
	if worker.Deploy == nil || worker.Deploy.Replicas == nil || *worker.Deploy.Replicas != 2 {
		t.Error("compose does not run two workers")
	}
}

// The addresses between services refer to services and ports
// that exist.
func TestComposeServicesFindEachOther(t *testing.T) {
	project := compose(t)
	listens := map[string]string{
		"nats": strconv.Itoa(nats.DEFAULT_PORT), "provider": "9380", "prometheus": "9090",
		"worker": readSetting(t, `(?m)^  address: ":(\d+)"$`),
	}
	if command := strings.Join(project.Services["provider"].Command, " "); !strings.Contains(command, ":"+listens["provider"]) {
		t.Errorf("the provider listens elsewhere: %s", command)
	}
	var named []string
	for _, value := range project.Services["worker"].Environment {
		named = append(named, *value)
	}
	for _, file := range []string{"prometheus.yaml", "grafana/datasources/prometheus.yaml"} {
		data, err := os.ReadFile(filepath.Join("../../deployments/compose", file))
		if err != nil {
			t.Fatal(err)
		}
		named = append(named, string(data))
	}
	found := regexp.MustCompile(`://([a-z]+):(\d+)|names: \[([a-z]+)\]\n\s+type: A\n\s+port: (\d+)`).
		FindAllStringSubmatch(strings.Join(named, "\n"), -1)
	if len(found) != 4 {
		t.Errorf("%d addresses are named, want those of nats, provider, worker and prometheus: %q", len(found), found)
	}
	for _, f := range found {
		service, port := f[1]+f[3], f[2]+f[4]
		if _, ok := project.Services[service]; !ok || listens[service] != port {
			t.Errorf("%s:%s leads nowhere", service, port)
		}
	}
}

// NATS' own parser reads its command line, in the version that is tested with
// ringonce.
func TestBrokerIsTheOneTestedWith(t *testing.T) {
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`nats-server/v2 v([0-9.]+)`).FindSubmatch(module)
	if version == nil {
		t.Fatal("go.mod does not name nats-server")
	}
	want := "docker.io/library/nats:" + string(version[1]) + "-alpine"
	broker := compose(t).Services["nats"]
	demo := the[apps.Deployment](t, build(t, "demo"), "Deployment", "nats").Spec.Template.Spec.Containers[0]
	if broker.Image != want || demo.Image != want {
		t.Errorf("compose runs %s, the demo %s; ringonce is tested with %s", broker.Image, demo.Image, want)
	}
	if !slices.Equal(demo.Args, broker.Command) {
		t.Errorf("compose runs it with %q, the demo with %q", broker.Command, demo.Args)
	}
	flags := flag.NewFlagSet("nats-server", flag.ContinueOnError)
	nothing := func() {}
	options, err := nats.ConfigureOptions(flags, broker.Command, nothing, nothing, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if !options.JetStream || options.StoreDir != "/data" || options.HTTPPort != 8222 {
		t.Errorf("NATS understands: JetStream %t, in %s, monitored at %d", options.JetStream, options.StoreDir, options.HTTPPort)
	}
}

// readSetting reads a default from the reference.
func readSetting(t *testing.T, pattern string) string {
	t.Helper()
	reference, err := os.ReadFile("../../configs/reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindSubmatch(reference)
	if found == nil {
		t.Fatalf("configs/reference.yaml has no %s", pattern)
	}
	return string(found[1])
}
