package manifests_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const directory = "../../deployments/kubernetes"

// overlay is a second installation, in a namespace of its own.
const overlay = "../../tests/manifests/testdata/overlay"

// kustomizations are those that users apply.
func kustomizations() []string {
	return []string{"workers", "monitoring", "keda", "hpa", "demo"}
}

// object is one object as `kubectl apply -k` would send it.
type object struct {
	from, apiVersion, kind, name, namespace string
	manifest                                []byte
}

func (o object) String() string { return fmt.Sprintf("%s: %s %s", o.from, o.kind, o.name) }

// build does what `kubectl kustomize` does.
func build(t *testing.T, kustomization string) []object {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).
		Run(filesys.MakeFsOnDisk(), filepath.Join(directory, kustomization))
	if err != nil {
		t.Fatalf("build %s: %v", kustomization, err)
	}
	var objects []object
	for _, r := range made.Resources() {
		manifest, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object{
			from: kustomization, apiVersion: r.GetApiVersion(), kind: r.GetKind(),
			name: r.GetName(), namespace: r.GetNamespace(), manifest: manifest,
		})
	}
	if len(objects) == 0 {
		t.Fatalf("%s makes no object", kustomization)
	}
	return objects
}

// the returns the only object of a kind and a name, decoded as T.
func the[T any](t *testing.T, objects []object, kind, name string) T {
	t.Helper()
	var found T
	n := 0
	for _, o := range objects {
		if o.kind == kind && (o.name == name || strings.HasPrefix(o.name, name+"-") && isGenerated(kind)) {
			n++
			if err := yaml.UnmarshalStrict(o.manifest, &found); err != nil {
				t.Fatalf("%s: %v", o, err)
			}
		}
	}
	if n != 1 {
		t.Fatalf("%d objects are %s %s, want one", n, kind, name)
	}
	return found
}

// isGenerated reports that kustomize adds a hash to names of this kind.
func isGenerated(kind string) bool { return kind == "ConfigMap" || kind == "Secret" }

func TestNoManifestIsForgotten(t *testing.T) {
	named := map[string]bool{}
	for _, k := range kustomizations() {
		for _, file := range filesOf(t, k) {
			named[filepath.Join(k, file)] = true
		}
	}
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(directory, path)
		if err == nil && filepath.Base(path) != "kustomization.yaml" && !named[inside] {
			t.Errorf("%s belongs to no kustomization", inside)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// filesOf returns the files that a kustomization names.
func filesOf(t *testing.T, kustomization string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(directory, kustomization, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var k struct {
		Resources          []string
		Configurations     []string
		ConfigMapGenerator []struct{ Files []string }
	}
	if err := yaml.Unmarshal(data, &k); err != nil {
		t.Fatal(err)
	}
	files := slices.Concat(k.Resources, k.Configurations)
	for _, g := range k.ConfigMapGenerator {
		files = append(files, g.Files...)
	}
	return files
}

func TestEveryObjectIsInTheNamespace(t *testing.T) {
	for _, k := range append(kustomizations(), overlay) {
		want := "ringonce"
		if k == overlay {
			want = "calls-west"
		}
		for _, o := range build(t, k) {
			if o.kind != "Namespace" && o.namespace != want {
				t.Errorf("%s is in the namespace %q", o, o.namespace)
			}
		}
	}
}
