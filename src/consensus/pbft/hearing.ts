/**
 * Whether Q are here, ourselves among them: patience is counted only while they are, for else no primary could do better, and no
 * view would come of leaving this one. Whoever leaves it alone is out of it until the next, although nobody lied:
 * 1. A replica is cut off with a request open, or is up a second before the others after a start of all. 2. It leaves the
 * view alone, and the others are well in it. 3. f are spent on one that is well: one more that fails, and nothing goes on.
 *
 * Time is counted in rounds. One lasts as long as a Status takes to come round, and until Q have been heard in it; what it
 * lasts longer is not counted. So patience stops where fewer than Q are heard from some time on, and nowhere else:
 * - The f that may be silent stop nobody: whoever else is honest tells its status, and with ourselves they are Q.
 * - Lost messages make a round longer, and so does a network that is slow or gives in bursts, however long; every round ends.
 * - Whoever does not hear Q has no part in what is committed meanwhile. Where Q could agree in another view, each of them
 * hears the others, and so each of them grows impatient in this one.
 */
import type { NodeId } from '../ids.js'
import { quorum } from './quorum.js'
import type { State } from './state.js'

/** Whatever it said. */
export function heardFrom(s: State, from: NodeId): void {
  if (from !== s.id && s.replicas.includes(from)) s.heard.add(from)
}

/** True: they are here again, after as many ticks that did not count as patience has; what was told in those was told to too few. */
export function tickHearing(s: State): boolean {
  s.heardElapsed++
  if (isAmongEnough(s) || s.heard.size + 1 < quorum(s.replicas.length)) return false
  const back = s.heardElapsed - s.options.statusTicks >= s.requestTicks
  s.heard.clear()
  s.heardElapsed = 0
  return back
}

/** Does this tick count? */
export function isAmongEnough(s: State): boolean {
  return s.heardElapsed < s.options.statusTicks
}
