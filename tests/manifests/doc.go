// Package manifests checks the Kubernetes manifests below deployments: it
// builds every kustomization as kubectl does, decodes each object strictly into its
// API type, and checks the objects against each other and against the program.
//
// It is a module of its own, because it imports the types of Kubernetes.
package manifests
