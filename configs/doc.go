// Package configs puts together what `truecount serve` is told: flags over environment variables over a TOML file over
// defaults.
//
//	Load(Sources) → Config
//	  settings            the table: each setting's name, default, help and field, once
//	  readFile            TOML → texts by name; unknown keys are refused
//	  readEnvironment     TRUECOUNT_… → texts by name; unknown ones are refused
//	  value.set           text → field, and what is allowed if it isn't
//	  Config.check        what two settings must agree on
//	Config.Print        all of it as a file that can be loaded again
//	ReadSecret, ReadMemory
//
// The rules: a setting is described in the table and nowhere else; flags, variables, file, printing and documents come from
// it, or are compared with it by a test. What a setting means depends on its value alone, never on where it came from, so a
// printed configuration means what it printed. What is not understood is refused, though something else would override it.
// Nothing is opened here but the files that are named.
//
// The tests: config_test.go has who wins over whom, value_test.go the good and bad values of each kind, file_test.go and
// environment_test.go what is refused, documents_test.go compares the examples and OPERATIONS.md with the table.
package configs
