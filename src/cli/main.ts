/** The command line. Nothing heavy is imported before a command is known: `--help` must be quick. */
import { report } from './errors.js'
import { plainArguments } from './parse/arguments.js'
import { buildProgram } from './program.js'

// Ends at once; `serve` and `dev` take the signals over.
process.once('SIGINT', () => process.exit(130))
// A reader that went away (`quorate get ... | head`) is no error.
process.stdout.on('error', () => process.exit(0))

let exitCode = 0
try {
  const program = buildProgram((code) => {
    exitCode = code
  })
  await program.parseAsync(plainArguments(program, process.argv.slice(2)), { from: 'user' })
} catch (error) {
  exitCode = report(error)
}
// What the command has open (sockets, timers) must not keep it: it is done. First let its output out.
process.stdout.write('', () => process.exit(exitCode))
