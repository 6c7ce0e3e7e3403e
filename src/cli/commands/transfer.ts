/** `transfer-leader`: asks for it, and waits until it has happened. */
import { setTimeout as sleep } from 'node:timers/promises'
import { leaderOf, lookAround, membersOf } from '../cluster-view.js'
import { CliError, EXIT, usageError } from '../errors.js'
import { print } from '../output.js'
import { type ClientFlags, withClient } from '../session.js'

/** Between two looks at who leads. */
const LOOK_MS = 50

export async function transfer(name: string, flags: ClientFlags): Promise<void> {
  await withClient(flags, async (client) => {
    const end = performance.now() + flags.commandTimeout
    const before = await lookAround(client, flags)
    const members = membersOf(before)
    if (members.length > 0 && !members.includes(name))
      throw usageError(`${name} is no member of this cluster: ${members.join(', ')}`)
    if (leaderOf(before)?.status.name !== name) {
      await client.transferLeadership(name)
      while (leaderOf(await lookAround(client, flags))?.status.name !== name) {
        if (performance.now() > end)
          throw new CliError(
            EXIT.unknown,
            `${name} was asked to lead but does not yet: is it connected and caught up? see: quorate status`,
          )
        await sleep(LOOK_MS)
      }
    }
    print(`${name} leads`)
  })
}
