// Package outage is hours without the provider, and a provider that asks for
// patience, on fake time: what it costs, and what comes after.
package outage
