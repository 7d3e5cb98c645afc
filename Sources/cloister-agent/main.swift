import CCloisterLinux

// The first process of every sandbox. It is inside the boundary, in a container as the same user as the code it starts, in a
// virtual machine as its root, so it holds no secret and decides nothing: it starts, reaps and kills processes when the
// platform says so.
//
// States: idle (no runtime) -> running (the runtime's pid is known) -> idle (it ended, or `stop`).

if cloister_guest_is() != 0 { runGuest() }
if cloister_agent_is_probe() != 0 { cloister_agent_exit(runSelfTest()) }
runAgent()
