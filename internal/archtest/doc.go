// Package archtest keeps the rules of the house as tests: who may import whom, what the pure package may use, who may call
// Raft, how long a file may be, and what must be documented.
//
// The flow:
//
//	Load                     parse every Go file of a file system into a Tree
//	ParseTable               read the import table out of docs/ARCHITECTURE.md
//	CheckImports             tree against table
//	NewChecker               type-check with the export data that the go command has of foreign packages
//	  Checker.Check
//	    CheckPurity          fsm: imports, goroutines, channels, map order, package variables
//	    CheckRaftCalls       one raft.Apply in the code base, no VerifyLeader, no Barrier
//	CheckNames, CheckSleeps  no init, no package called util; no sleeping tests
//	CheckDocs                package comments, and a comment on every exported name
//	ParseSizes, CheckSizes   the ratchet in testdata/sizes.txt
//
// The rules: a check is a function from parsed sources to Findings; it reads no file and keeps no state, so that it can be
// run on sources planted by a test. A Finding says what to write instead. Nothing here is safe for concurrent use. Only Load
// and NewChecker look at the world, through a file system and one run of the go command.
//
// The tests: house_test.go runs every check on this repository. Beside it, each check has a test file that plants the sins it
// must find, for a test that can't fail is worthless.
package archtest
