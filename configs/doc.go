// Package configs turns one YAML file and the environment into a Config, or
// into the complete list of what is wrong with them:
//
//	defaults ─► file ─► environment ─► normalise ─► validate ─► Config
//	             │          │                          │
//	             └──────────┴──── ValidationErrors ◄───┘
//
// Loading does not stop at the first error: each is reported with its source,
// its key, the rule and the fix.
//
// table.go has one entry for each setting: key, field, default, rule and help.
// The file reader, the environment, the check-config command, the
// documentation, reference.yaml and schema.json follow from it.
//
// Load is pure: it takes the bytes and the environment. ReadFile, Check,
// Account.ReadKey and its siblings read files; key files are read again when
// they change.
//
// Secrets are of type Secret, and callback addresses, whose query may hold a
// token, of type CallbackURL. Neither prints what it holds, whatever the verb.
package configs
