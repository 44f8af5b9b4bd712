package manifests_test

import (
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// typeOf returns an empty object of the type that belongs to an API version and a
// kind, nil for one that is not expected here.
func typeOf(apiVersion, kind string) any {
	switch apiVersion + " " + kind {
	case "v1 Namespace":
		return &core.Namespace{}
	case "v1 ServiceAccount":
		return &core.ServiceAccount{}
	case "v1 ConfigMap":
		return &core.ConfigMap{}
	case "v1 Secret":
		return &core.Secret{}
	case "v1 Service":
		return &core.Service{}
	case "apps/v1 Deployment":
		return &apps.Deployment{}
	case "policy/v1 PodDisruptionBudget":
		return &policy.PodDisruptionBudget{}
	case "networking.k8s.io/v1 NetworkPolicy":
		return &networking.NetworkPolicy{}
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return &autoscaling.HorizontalPodAutoscaler{}
	case "monitoring.coreos.com/v1 PodMonitor":
		return &monitoring.PodMonitor{}
	case "monitoring.coreos.com/v1 PrometheusRule":
		return &monitoring.PrometheusRule{}
	case "keda.sh/v1alpha1 ScaledObject":
		return &scaledObject{}
	default:
		return nil
	}
}

// A field that is misspelt, in the wrong place or of the wrong type is dropped
// silently by the API server or refused by it; here it fails.
func TestEveryObjectMatchesItsAPIType(t *testing.T) {
	for _, k := range kustomizations() {
		for _, o := range build(t, k) {
			into := typeOf(o.apiVersion, o.kind)
			if into == nil {
				t.Errorf("%s: no type for %s %s", o, o.apiVersion, o.kind)
				continue
			}
			if err := yaml.UnmarshalStrict(o.manifest, into); err != nil {
				t.Errorf("%s: %v", o, err)
			}
		}
	}
}

// The check itself fails when it should.
func TestUnknownFieldIsRefused(t *testing.T) {
	manifest := []byte("apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      gracePeriod: 60\n")
	if err := yaml.UnmarshalStrict(manifest, typeOf("apps/v1", "Deployment")); err == nil {
		t.Error("a Deployment with the field gracePeriod was decoded")
	}
}
