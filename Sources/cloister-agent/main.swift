import CCloisterLinux

// The first process of every sandbox. It is inside the boundary and runs as the same user as the code it starts, so it
// holds no secret and decides nothing: it starts, reaps and kills processes when the platform says so.
//
// States: idle (no runtime) -> running (the runtime's pid is known) -> idle (it ended, or `stop`).

if cloister_agent_is_probe() != 0 { cloister_agent_exit(runSelfTest()) }
runAgent()
