// Package prometheus checks what operators see: every metric and label in the
// dashboard, the rules, the autoscaling and the documentation exists; every alert
// has a runbook and tests, fires on a real fault, and ends with it; and a real
// Prometheus that scrapes real workers answers every query of the dashboard.
//
// It is a module of its own, because it imports the query parser of Prometheus. It
// needs the program prometheus in PATH.
package prometheus
