/** Raises alarms where etcdctl cannot: over the JSON gateway. */
import type { Target } from './targets.js'

const PATH = '/v3/maintenance/alarm'

/** etcd lists them in no order. */
export function sortedLines(text: string): string[] {
  return text.split('\n').sort()
}

/** Of members that are none, so that the member whose space is looked after leaves them alone. */
export async function raiseAlarms({ endpoints }: Target): Promise<void> {
  for (const [memberID, alarm] of [
    ['77', 'NOSPACE'],
    ['78', 'CORRUPT'],
    ['79', 'NOSPACE'],
  ]) {
    const body = JSON.stringify({ action: 'ACTIVATE', memberID, alarm })
    const { status } = await fetch(`http://${endpoints[0]}${PATH}`, { method: 'POST', body })
    if (status !== 200) throw new Error(`no alarm: ${status}`)
  }
}
