package manifests_test

import (
	"os"
	"slices"
	"strconv"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// scaledObject is as much of KEDA's ScaledObject as we use, by its
// specification; any other field is refused.
type scaledObject struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		PollingInterval int32 `json:"pollingInterval"`
		MinReplicaCount int32 `json:"minReplicaCount"`
		MaxReplicaCount int32 `json:"maxReplicaCount"`
		Fallback        struct {
			FailureThreshold int32  `json:"failureThreshold"`
			Replicas         int32  `json:"replicas"`
			Behavior         string `json:"behavior"`
		} `json:"fallback"`
		Advanced struct {
			HorizontalPodAutoscalerConfig struct {
				Behavior autoscaling.HorizontalPodAutoscalerBehavior `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
		} `json:"advanced"`
		Triggers []trigger `json:"triggers"`
	} `json:"spec"`
}

type trigger struct {
	Type       string            `json:"type"`
	MetricType string            `json:"metricType"`
	Metadata   map[string]string `json:"metadata"`
}

// metadataOf lists what a trigger of a type takes, as far as we use it.
func metadataOf(triggerType string) []string {
	switch triggerType {
	case "prometheus":
		return []string{"serverAddress", "query", "threshold", "ignoreNullValues"}
	case "cpu":
		return []string{"value"}
	default:
		return nil
	}
}

func TestAutoscalersScaleTheWorkers(t *testing.T) {
	workers := the[apps.Deployment](t, build(t, "workers"), "Deployment", "ringonce")
	if workers.Spec.Replicas != nil {
		t.Error("the Deployment sets replicas: applying it would undo the autoscaler")
	}
	s := the[scaledObject](t, build(t, "keda"), "ScaledObject", "ringonce").Spec
	if s.ScaleTargetRef.Name != workers.Name {
		t.Errorf("KEDA scales %q", s.ScaleTargetRef.Name)
	}
	if s.MinReplicaCount < 1 || s.Fallback.Replicas < s.MinReplicaCount || s.MaxReplicaCount <= s.Fallback.Replicas {
		t.Errorf("from %d to %d workers, %d without an answer: workers measure the queues",
			s.MinReplicaCount, s.MaxReplicaCount, s.Fallback.Replicas)
	}
	if !slices.Contains([]string{"static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"}, s.Fallback.Behavior) {
		t.Errorf("KEDA knows no fallback %q", s.Fallback.Behavior)
	}
	h := the[autoscaling.HorizontalPodAutoscaler](t, build(t, "hpa"), "HorizontalPodAutoscaler", "ringonce")
	if h.Spec.ScaleTargetRef.Name != workers.Name || h.Spec.ScaleTargetRef.Kind != "Deployment" || h.Spec.ScaleTargetRef.APIVersion != "apps/v1" {
		t.Errorf("the HorizontalPodAutoscaler scales %v", h.Spec.ScaleTargetRef)
	}
	// Both measure CPU as a share of what is requested.
	if workers.Spec.Template.Spec.Containers[0].Resources.Requests.Cpu().IsZero() {
		t.Error("without a request of CPU there is no utilization")
	}
}

func TestKEDAKnowsTheTriggers(t *testing.T) {
	for _, trigger := range the[scaledObject](t, build(t, "keda"), "ScaledObject", "ringonce").Spec.Triggers {
		known := metadataOf(trigger.Type)
		if known == nil {
			t.Errorf("no trigger %q is known here", trigger.Type)
		}
		for _, key := range known {
			if trigger.Metadata[key] == "" {
				t.Errorf("%s: %s is missing", trigger.Type, key)
			}
		}
		for key := range trigger.Metadata {
			if !slices.Contains(known, key) {
				t.Errorf("%s: %s is not known", trigger.Type, key)
			}
		}
		// Fallback works with averages alone, and the query returns workers.
		if trigger.Type == "prometheus" && (trigger.MetricType != "AverageValue" || trigger.Metadata["threshold"] != "1") {
			t.Errorf("the query counts workers, and is compared as %s with %s", trigger.MetricType, trigger.Metadata["threshold"])
		}
		if trigger.Type == "prometheus" {
			if _, err := strconv.ParseBool(trigger.Metadata["ignoreNullValues"]); err != nil {
				t.Errorf("ignoreNullValues: %v", err)
			}
		}
	}
}

// Two installations in one cluster are scaled each by its own queues.
func TestQuerySelectsTheNamespaceOfTheWorkers(t *testing.T) {
	for kustomization, namespace := range map[string]string{"keda": "ringonce", overlay: "calls-west"} {
		s := the[scaledObject](t, build(t, kustomization), "ScaledObject", "ringonce")
		want := `namespace:ringonce_workers_wanted:max{namespace="` + namespace + `"}`
		if got := s.Spec.Triggers[0].Metadata["query"]; got != want || s.Namespace != namespace {
			t.Errorf("%s: in the namespace %s it asks for %s, want %s", kustomization, s.Namespace, got, want)
		}
	}
}

// kube-prometheus-stack ignores objects without the label of its release.
func TestPrometheusOperatorSelectsTheObjects(t *testing.T) {
	objects := build(t, "monitoring")
	for kind, labels := range map[string]map[string]string{
		"PodMonitor":     the[monitoring.PodMonitor](t, objects, "PodMonitor", "ringonce").Labels,
		"PrometheusRule": the[monitoring.PrometheusRule](t, objects, "PrometheusRule", "ringonce").Labels,
	} {
		if labels["release"] != "kube-prometheus-stack" {
			t.Errorf("the %s is labelled %v", kind, labels)
		}
	}
}

// The operator has the same rules that promtool tests.
func TestPrometheusRuleHoldsTheTestedRules(t *testing.T) {
	deployed := the[monitoring.PrometheusRule](t, build(t, "monitoring"), "PrometheusRule", "ringonce").Spec
	var tested monitoring.PrometheusRuleSpec
	for _, file := range []string{"recording", "alerts"} {
		data, err := os.ReadFile("../../deployments/prometheus/" + file + ".rules.yaml")
		if err != nil {
			t.Fatal(err)
		}
		var groups monitoring.PrometheusRuleSpec
		if err := yaml.UnmarshalStrict(data, &groups); err != nil {
			t.Fatal(err)
		}
		tested.Groups = append(tested.Groups, groups.Groups...)
	}
	want, err := yaml.Marshal(tested)
	if err != nil {
		t.Fatal(err)
	}
	got, err := yaml.Marshal(deployed)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("monitoring/prometheusrule.yaml differs from deployments/prometheus: run `make prometheusrule`")
	}
}
