// Package configs is what an operator may say to ringonce, and nothing else:
// it turns one YAML file and the environment into a Config, or into the
// complete list of what is wrong with them.
//
// The way of a setting:
//
//	defaults ─► file ─► environment ─► normalise ─► validate ─► Config
//	             │          │                          │
//	             └──────────┴───────── Mistakes ◄──────┘
//
// Load walks it. Default gives every key its value; the file, read strictly,
// replaces some; the environment replaces what the file said; Validate judges
// the whole. Nothing stops at the first mistake: an operator who has made three
// is told of three, each with the place it came from, the key, the rule and the
// fix.
//
// table.go has one entry for each setting: its key, field, default, rule and
// meaning. The file reader, the environment, the check-config command, the
// documentation, reference.yaml and schema.json follow from it.
//
// Load is pure: it is handed the bytes and the environment. What has to look at
// the disk (ReadFile, Check, Account.ReadKey and its siblings) stands apart,
// because key files are read again when they change.
//
// Secrets are of type Secret, and callback addresses, whose query may hold a
// token, of type CallbackURL. Neither prints what it holds, whatever the verb.
package configs
