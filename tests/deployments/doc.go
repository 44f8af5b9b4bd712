// Package deployments rehearses docs/install.md: it starts the containers of
// deployments/compose.yaml as processes, and the commands of the page place a
// call. It also checks every command in the runbooks.
package deployments
