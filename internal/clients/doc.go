// Package clients proves that the Redis clients people use connect to Truecount with their default options, and count.
//
// It is a module of its own, so that the clients are no dependencies of the product. Everything is in the tests
// (`make clients`, from the root of the repository):
//
//	TestMain          starts three nodes from the binary that TRUECOUNT names, or turns to the Redis that REDIS_ADDR names
//	TestWho…          who sends an increment again when its reply is lost
//	TestGoRedis …     a test for each client in Go
//	TestRedisCli …    Redis's own tools
//	TestPython …      a script in testdata for each language: runScript makes each line that it prints a subtest
//	TestClientsOutlive…  clients of Sentinel and of Redis Cluster, behind the facades, whose node is killed while they count
//
// What every client must manage is in the list everyClient: among it 1,000 increments over three nodes at once, a
// pipeline of 10,000 commands, a transaction, and a node that is killed and started again under it.
//
// The rules: a client has its default options unless a comment says why not. What is not installed is skipped with the
// reason. A check must hold for a genuine Redis, too, unless it says that it is ours: REDIS_ADDR=127.0.0.1:6379 go test
// shows whether a check is right.
package clients
