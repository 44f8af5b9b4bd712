// Package deployments rehearses docs/install.md: what deployments/compose.yaml
// would start as containers is started as processes, and the commands of the
// page place a call.
package deployments
