package manifests_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// program is the ringonce of this checkout.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	directory, err := os.MkdirTemp("", "ringonce-manifests-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(directory) }()
	program = filepath.Join(directory, "ringonce")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", program, "./cmd/ringonce").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build ringonce: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// mounted lays out below a directory what the workers' volumes hold, and returns
// where each mount path is.
func mounted(t *testing.T, objects []object, d apps.Deployment) map[string]string {
	t.Helper()
	pod, places := d.Spec.Template.Spec, map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		place := t.TempDir()
		places[mount.MountPath] = place
		i := slices.IndexFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == mount.Name })
		if i < 0 {
			t.Fatalf("%s is mounted from the volume %s, which does not exist", mount.MountPath, mount.Name)
		}
		switch v := pod.Volumes[i]; {
		case v.ConfigMap != nil:
			for name, text := range the[core.ConfigMap](t, objects, "ConfigMap", v.ConfigMap.Name).Data {
				write(t, filepath.Join(place, name), []byte(text))
			}
		case v.Secret != nil && v.Secret.SecretName == "ringonce-api-keys":
			// The one that the operator makes.
			write(t, filepath.Join(place, "default"), []byte("key"))
		case v.Secret != nil:
			for name, data := range the[core.Secret](t, objects, "Secret", v.Secret.SecretName).Data {
				write(t, filepath.Join(place, name), data)
			}
		default:
			t.Fatalf("the volume %s is of no kind that is expected here", v.Name)
		}
	}
	return places
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The program itself checks the configuration of the workers, with files and
// environment as in the pod.
func TestWorkersAreConfigured(t *testing.T) {
	for _, k := range []string{"workers", "demo"} {
		objects := build(t, k)
		d := the[apps.Deployment](t, objects, "Deployment", "ringonce")
		places := mounted(t, objects, d)
		inPod := func(text string) string {
			for mount, place := range places {
				text = strings.ReplaceAll(text, mount+"/", place+"/")
			}
			return text
		}
		args := d.Spec.Template.Spec.Containers[0].Args
		if len(args) != 3 || args[0] != "run" || args[1] != "--config" {
			t.Fatalf("%s: the command line is %q", k, args)
		}
		file := inPod(args[2])
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		write(t, file, []byte(inPod(string(data))))
		command := exec.CommandContext(t.Context(), program, "check-config", "--config", file)
		command.Env = []string{}
		for name, value := range environment(d) {
			command.Env = append(command.Env, name+"="+value)
		}
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", k, err, out)
		}
	}
}

// The program parses all flags before it answers --help.
func TestCommandLinesAreValid(t *testing.T) {
	for _, k := range []string{"workers", "demo"} {
		for _, d := range deployments(t, k) {
			c := d.Spec.Template.Spec.Containers[0]
			if !strings.HasPrefix(c.Image, "ringonce:") {
				continue
			}
			out, err := exec.CommandContext(t.Context(), program, append(slices.Clone(c.Args), "--help")...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %s %q: %v: %s", k, d.Name, c.Args, err, out)
			}
		}
	}
}

// settings are the settings that the manifests depend on.
type settings struct {
	ShutdownGrace string `json:"shutdown_grace"`
	HTTP          struct {
		Address string `json:"address"`
	} `json:"http"`
	Accounts map[string]struct {
		APIKeyFile string `json:"api_key_file"`
	} `json:"accounts"`
}

func configured(t *testing.T) settings {
	t.Helper()
	text := the[core.ConfigMap](t, build(t, "workers"), "ConfigMap", "ringonce-config").Data["ringonce.yaml"]
	var s settings
	if err := yaml.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Killed within the grace period, a worker leaves calls without an outcome.
func TestPodOutlivesTheGracePeriod(t *testing.T) {
	grace, err := time.ParseDuration(configured(t).ShutdownGrace)
	if err != nil {
		t.Fatal(err)
	}
	workers := the[apps.Deployment](t, build(t, "workers"), "Deployment", "ringonce")
	seconds := *workers.Spec.Template.Spec.TerminationGracePeriodSeconds
	if pod := time.Duration(seconds) * time.Second; pod < grace+10*time.Second {
		t.Errorf("the pod is killed after %s, and shutdown_grace is %s: leave 10s for settling and closing", pod, grace)
	}
}

func TestKeysComeFromTheSecret(t *testing.T) {
	s := configured(t)
	if len(s.Accounts) == 0 {
		t.Fatal("no account is configured")
	}
	for name, a := range s.Accounts {
		if path.Dir(a.APIKeyFile) != "/run/secrets/ringonce" || path.Base(a.APIKeyFile) != name {
			t.Errorf("the key of %s is read from %s", name, a.APIKeyFile)
		}
	}
}

// Every reference to the port is the one that the worker listens on: the
// default, as in docs/configuration.md.
func TestPortsAgree(t *testing.T) {
	if address := configured(t).HTTP.Address; address != "" {
		t.Fatalf("http.address is set to %s; this test knows the default", address)
	}
	listens := readSetting(t, `(?m)^  address: ":(\d+)"$`)
	objects := build(t, "workers")
	workers := the[apps.Deployment](t, objects, "Deployment", "ringonce")
	container := workers.Spec.Template.Spec.Containers[0]
	if p := container.Ports[0]; p.Name != "http" || strconv.Itoa(int(p.ContainerPort)) != listens {
		t.Errorf("the pod's port %s is %d, and the worker listens on %s", p.Name, p.ContainerPort, listens)
	}
	for probe, want := range map[*core.Probe]string{container.LivenessProbe: "/livez", container.ReadinessProbe: "/readyz"} {
		if probe.HTTPGet.Path != want || probe.HTTPGet.Port.StrVal != "http" {
			t.Errorf("a probe asks %s at %s", probe.HTTPGet.Path, probe.HTTPGet.Port.StrVal)
		}
	}
	ingress := the[networking.NetworkPolicy](t, objects, "NetworkPolicy", "ringonce").Spec.Ingress
	if len(ingress) != 1 || len(ingress[0].Ports) != 1 || ingress[0].Ports[0].Port.StrVal != "http" {
		t.Errorf("the NetworkPolicy lets in %v", ingress)
	}
	m := the[monitoring.PodMonitor](t, build(t, "monitoring"), "PodMonitor", "ringonce")
	if e := m.Spec.PodMetricsEndpoints; len(e) != 1 || e[0].Port == nil || *e[0].Port != "http" || e[0].Path != "/metrics" {
		t.Errorf("the PodMonitor scrapes %v", e)
	}
}
