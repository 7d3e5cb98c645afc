import CloisterCommands

await CloisterCommand.runToEnd()
