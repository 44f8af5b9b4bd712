// Package manifests checks the Kubernetes manifests below deployments: it
// builds every kustomization as kubectl does, decodes each object into the type
// that the API server would, refusing what that does not know, and holds the
// objects against each other and against the program.
//
// It is a module of its own, because Kubernetes' types are many.
package manifests
