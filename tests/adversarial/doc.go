// Package adversarial has a publisher try everything that NATS lets it try, beside an
// honest one: headers, subjects, sizes, ids, replies and floods. The broker knows
// who may do what from deployments/nats/nats.conf, the file that operators are
// given. Every attempt is either refused, or accepted and harmless: it ends on
// the hostile publisher's own account, and the other notices nothing.
package adversarial
