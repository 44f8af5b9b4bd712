package manifests_test

import (
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// deployments returns those of a kustomization.
func deployments(t *testing.T, kustomization string) []apps.Deployment {
	t.Helper()
	var all []apps.Deployment
	objects := build(t, kustomization)
	for _, o := range objects {
		if o.kind == "Deployment" {
			all = append(all, the[apps.Deployment](t, objects, "Deployment", o.name))
		}
	}
	return all
}

// The namespace admits nothing else.
func TestPodsAreRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, k := range []string{"workers", "demo"} {
		enforced := the[core.Namespace](t, build(t, k), "Namespace", "ringonce").Labels[api.EnforceLevelLabel]
		if enforced != string(api.LevelRestricted) {
			t.Errorf("%s: the namespace enforces %q", k, enforced)
		}
		for _, d := range deployments(t, k) {
			pod := d.Spec.Template
			for _, r := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
				if !r.Allowed {
					t.Errorf("%s: %s: %s: %s", k, d.Name, r.ForbiddenReason, r.ForbiddenDetail)
				}
			}
			container := pod.Spec.Containers[0]
			if !*container.SecurityContext.ReadOnlyRootFilesystem {
				t.Errorf("%s: %s may write to its image", k, d.Name)
			}
			if *pod.Spec.AutomountServiceAccountToken {
				t.Errorf("%s: %s gets a token of Kubernetes, which it does not need", k, d.Name)
			}
			if *pod.Spec.EnableServiceLinks {
				t.Errorf("%s: %s gets variables for every Service", k, d.Name)
			}
		}
	}
}

// selects reports whether a selector picks the pods of a Deployment.
func selects(t *testing.T, s *meta.LabelSelector, d apps.Deployment) bool {
	t.Helper()
	selector, err := meta.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return !selector.Empty() && selector.Matches(labels.Set(d.Spec.Template.Labels))
}

func TestSelectorsPickTheWorkers(t *testing.T) {
	objects := build(t, "workers")
	workers := the[apps.Deployment](t, objects, "Deployment", "ringonce")
	pod := workers.Spec.Template.Spec
	if !selects(t, workers.Spec.Selector, workers) {
		t.Error("the Deployment does not select its own pods")
	}
	if budget := the[policyv1.PodDisruptionBudget](t, objects, "PodDisruptionBudget", "ringonce"); !selects(t, budget.Spec.Selector, workers) {
		t.Error("the PodDisruptionBudget selects no pods")
	}
	if p := the[networking.NetworkPolicy](t, objects, "NetworkPolicy", "ringonce"); !selects(t, &p.Spec.PodSelector, workers) {
		t.Error("the NetworkPolicy selects no pods")
	}
	if len(pod.TopologySpreadConstraints) == 0 {
		t.Error("nothing spreads the workers")
	}
	for _, c := range pod.TopologySpreadConstraints {
		if !selects(t, c.LabelSelector, workers) {
			t.Errorf("the spread over %s selects no pods", c.TopologyKey)
		}
	}
	m := the[monitoring.PodMonitor](t, build(t, "monitoring"), "PodMonitor", "ringonce")
	if !selects(t, &m.Spec.Selector, workers) {
		t.Error("the PodMonitor selects no pods")
	}
	if job := workers.Spec.Template.Labels[m.Spec.JobLabel]; job != "ringonce" {
		t.Errorf("the job is called %q, and the alerts expect ringonce", job)
	}
	account := the[core.ServiceAccount](t, objects, "ServiceAccount", pod.ServiceAccountName)
	if *account.AutomountServiceAccountToken {
		t.Error("the ServiceAccount mounts its token")
	}
}

// Services and policies of the demo name ports and pods that are there.
func TestDemoFindsItsParts(t *testing.T) {
	objects := build(t, "demo")
	all := deployments(t, "demo")
	for _, name := range []string{"nats", "simulator"} {
		service := the[core.Service](t, objects, "Service", name)
		d := the[apps.Deployment](t, objects, "Deployment", name)
		if !selects(t, &meta.LabelSelector{MatchLabels: service.Spec.Selector}, d) {
			t.Errorf("the Service %s selects no pods", name)
		}
		for _, p := range service.Spec.Ports {
			if port(d, p.TargetPort.StrVal) != p.Port {
				t.Errorf("the Service %s leads port %d to %q", name, p.Port, p.TargetPort.StrVal)
			}
		}
	}
	workers := the[apps.Deployment](t, objects, "Deployment", "ringonce")
	env := environment(workers)
	for variable, want := range map[string]string{
		"NATS_URL": "nats://nats:4222", "SFVOPI_BASE_URL": "http://simulator:9380/superfone",
	} {
		if env[variable] != want {
			t.Errorf("%s is %q, want %q", variable, env[variable], want)
		}
	}
	for _, p := range []string{"ringonce", "ringonce-to-simulator"} {
		for _, rule := range the[networking.NetworkPolicy](t, objects, "NetworkPolicy", p).Spec.Egress {
			for _, peer := range rule.To {
				if peer.PodSelector != nil && !anySelected(t, peer.PodSelector, all) {
					t.Errorf("the NetworkPolicy %s lets the workers reach nothing", p)
				}
			}
		}
	}
	if replicas := workers.Spec.Replicas; replicas == nil || *replicas != 2 {
		t.Error("the demo does not run two workers")
	}
}

func anySelected(t *testing.T, s *meta.LabelSelector, all []apps.Deployment) bool {
	t.Helper()
	for _, d := range all {
		if selects(t, s, d) {
			return true
		}
	}
	return false
}

// port returns the number of a named port, 0 if there is none.
func port(d apps.Deployment, name string) int32 {
	for _, p := range d.Spec.Template.Spec.Containers[0].Ports {
		if p.Name == name {
			return p.ContainerPort
		}
	}
	return 0
}

func environment(d apps.Deployment) map[string]string {
	env := map[string]string{}
	for _, v := range d.Spec.Template.Spec.Containers[0].Env {
		env[v.Name] = v.Value
	}
	return env
}

func TestGoKnowsTheMemoryLimit(t *testing.T) {
	workers := the[apps.Deployment](t, build(t, "workers"), "Deployment", "ringonce")
	limit := workers.Spec.Template.Spec.Containers[0].Resources.Limits.Memory().Value()
	// Go writes MiB what Kubernetes writes Mi.
	soft, err := resource.ParseQuantity(strings.TrimSuffix(environment(workers)["GOMEMLIMIT"], "B"))
	if err != nil {
		t.Fatalf("GOMEMLIMIT: %v", err)
	}
	if share := float64(soft.Value()) / float64(limit); share < 0.85 || share > 0.95 {
		t.Errorf("GOMEMLIMIT is %.2f of the memory limit, want about nine tenths", share)
	}
}
