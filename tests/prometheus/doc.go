// Package prometheus holds what operators see against the program: every metric
// and label that a dashboard, a rule, the autoscaling or a page names exists;
// every alert has its page and its tests, fires on its real fault, and ends with it;
// and a real Prometheus that scrapes real workers answers every query of the
// dashboard.
//
// It is a module of its own, because it parses queries with Prometheus' own
// parser. It needs Prometheus on the path.
package prometheus
